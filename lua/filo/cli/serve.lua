return { summary = "Run the node until it is told to stop.", run = function() end }
