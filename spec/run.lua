---Runs spec files side by side, each in a process of its own, with as many at a time as there are cores: with more, what says that it takes
---too long would say so of others. Prints what busted prints, added up, the ten slowest tests, and once more which have failed: the end of
---a log is what is read first.
---
---    filo spec/run.lua [FILE or FOLDER]...       (spec)

local filo = require "filo"
local process = require "spec.support.process"
local temp = require "spec.support.temp"

local SLOWEST = 10
local FILE_SECONDS = 1800
local SUMMARY = "(%d+) success%a* / (%d+) failures? / (%d+) errors? / (%d+) pending%a* : [%d.]+ seconds"

local function lines_of(command)
  local pipe <close> = assert(io.popen(command))
  local lines = {}
  for line in pipe:lines() do lines[#lines + 1] = line end
  return lines
end

---Backwards: those of the last folders take longest, and are not to be what is waited for in the end.
local function spec_files(paths)
  local words = {}
  for i, path in ipairs(paths) do words[i] = temp.quote(path) end
  return lines_of("find " .. table.concat(words, " ") .. " -name '*_spec.lua' | sort -r")
end

---What busted wrote about a file: the dots, the numbers of successes, failures, errors and pendings, and the rest, which tells of failures.
---A process that ended otherwise than it should is one error more, whatever it wrote.
local function read(result)
  local dots, successes, failures, errors, pendings, details = result.out:match("^(.-)%s*" .. SUMMARY .. "\n(.*)$")
  local counts = { tonumber(successes) or 0, tonumber(failures) or 0, tonumber(errors) or 0, tonumber(pendings) or 0 }
  if dots and (counts[2] + counts[3] > 0 or result.status == 0) then return dots, counts, details .. result.err end
  counts[3] = counts[3] + 1
  local how = result.signal and "was ended by signal " .. result.signal or "ended with status " .. result.status
  return (dots or "") .. "*", counts, ("the process %s\n%s%s"):format(how, details or result.out, result.err)
end

---Runs a file. One that does not end in time is ended, and counts as an error.
local function run(file, busted, times)
  local ok, result = pcall(process.run, { busted, "--ignore-lua", "-Xhelper", times, file, seconds = FILE_SECONDS })
  if ok then return read(result) end
  if type(result) ~= "string" then error(result, 0) end -- who runs this is cancelled
  return "*", { 0, 0, 1, 0 }, result
end

---Runs files until there are none; adds what came of each to the totals.
local function work(files, busted, times, totals)
  while #files > 0 do
    local file = table.remove(files, 1)
    local dots, counts, details = run(file, busted, times)
    for i, count in ipairs(counts) do totals[i] = totals[i] + count end
    local is_bad = counts[2] + counts[3] > 0
    if is_bad or details:find "%S" then table.insert(totals.details, { file = file, text = details, is_bad = is_bad }) end
    io.stdout:write(dots)
    io.stdout:flush()
  end
end

local function print_slowest(text)
  local tests = {}
  for seconds, file, name in text:gmatch "([%d.]+)\t([^\t\n]+)\t([^\n]*)" do
    tests[#tests + 1] = { seconds = tonumber(seconds), text = ("%7.2f s  %s: %s"):format(seconds, file, name) }
  end
  table.sort(tests, function(a, b) return a.seconds > b.seconds end)
  print "\nThe slowest tests:"
  for i = 1, math.min(SLOWEST, #tests) do print(tests[i].text) end
end

---What busted calls a failure or an error of a test, of all files, and the first line of why; of a file that ended before it could tell,
---how it ended.
local function print_failed(details)
  print "\nFailed:"
  for _, each in ipairs(details) do
    local found = not each.is_bad
    for kind, place, name, what in ("\n" .. each.text):gmatch "\n(%u%l+) %S+ ([^\n]+ @ %d+)\n([^\n]*)\n?([^\n]*)" do
      found = true
      print(("%s: %s: %s\n  %s"):format(kind, place, name, what))
    end
    if not found then print(("%s: %s"):format(each.file, each.text:match "[^\n]+" or "nothing was said")) end
    for summary in each.text:gmatch "SUMMARY: [^\n]+" do print(summary) end -- of a sanitizer
  end
end

local began = filo.now()
local folder <close> = temp.folder()
local times = folder:write("times", "")
local busted = lines_of "command -v busted"[1] or error("busted is not installed: see scripts/dependencies.sh", 0)
local files = spec_files(#arg > 0 and arg or { "spec" })
local totals = { 0, 0, 0, 0, details = {} }
local workers = {}
for i = 1, tonumber(lines_of "nproc"[1]) do workers[i] = function() work(files, busted, times, totals) end end
filo.all(workers)

print(("\n%d successes / %d failures / %d errors / %d pending : %.1f seconds"):format(
  totals[1], totals[2], totals[3], totals[4], filo.now() - began))
for _, each in ipairs(totals.details) do io.write("\n== ", each.file, "\n", each.text) end
print_slowest(folder:read "times")
local wrong = totals[2] + totals[3]
if wrong > 0 then print_failed(totals.details) end
os.exit(wrong == 0 and totals[1] > 0 and 0 or 1, true)
