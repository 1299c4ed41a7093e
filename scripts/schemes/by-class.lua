-- What must not be lost (class 1) in three zones, what can be made again (class 2) here and at one fast disk, all else twice.
--
--   filo sim scripts/schemes/by-class.lua --nodes 12 --faults kill,wipe,full
--
-- The class is given when an object is stored: filo put --class 1. A node says what it is in its options: about = { zone = "home",
-- tags = { "ssd" }, capacity = 2e12 }.

local policy = require("filo").policy

return policy.classify {
  [1] = policy.zones { copies = 3, zones = 3 },
  [2] = policy.otherwise(policy.tagged("ssd", policy.copies(2)), policy.copies(2)),
  default = policy.copies(2),
}
