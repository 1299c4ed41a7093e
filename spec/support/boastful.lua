---Loaded before a script: a node says of itself what is refused elsewhere, as one may that is not Filo.

require("filo.placement.facts").problem = function() return nil end
