---Writes how long each test took to a file: lines of seconds, the spec file and the test's name, with tabs between.

local busted = require "busted"

---A test's name after those of the blocks that it stands in.
local function full_name(element)
  local names = {}
  while element.descriptor ~= "file" do
    table.insert(names, 1, element.name)
    element = busted.parent(element)
  end
  return table.concat(names, " ")
end

return function(path)
  busted.subscribe({ "test", "end" }, function(test)
    local file <close> = assert(io.open(path, "a")) -- at once: a crash loses nothing
    file:write(("%.3f\t%s\t%s\n"):format(test.duration, test.trace.short_src, full_name(test)))
  end)
end
