---A node's objects over HTTP and S3, beside a web server that gives and takes plain files.

local filo = require "filo"
local folder = require "bench.support.folder"
local measure = require "bench.support.measure"
local programs = require "bench.support.programs"

local MIB, RUNS, SECONDS, IN_FLIGHT = 1024, 5, 3, 64

local here = arg[0]:match "^(.*/)" or ""

---Starts a node that serves; gives its process, the URL of its objects, and that of S3 with the key for it.
local function start(root)
  local process = assert(filo.start { filo.program, here .. "bench/support/web.lua", root })
  local web, s3, key = assert(process.stdout:read("l", 20)):match "^(%S+) (%S+) (%S+)$"
  return process, ("http://%s/"):format(web), { url = ("http://%s/"):format(s3), key = key }
end

---curl for S3, with a body that is not signed: what is in a file is not in its arguments.
local function s3_curl(curl, s3, place)
  local file <close> = assert(io.open(place .. "/s3-key", "w"))
  local text = 'user = "%s"\naws-sigv4 = "aws:amz:us-east-1:s3"\nheader = "x-amz-content-sha256: UNSIGNED-PAYLOAD"\n'
  assert(file:write(text:format(s3.key)))
  return programs.with(curl, "-K", place .. "/s3-key")
end

local function transfers(curl, name, url, source)
  return {
    { name .. " put", function()
      local command = programs.with(curl, "-H", "Expect:", "-T", source, "-o", "/dev/null", url .. "large")
      return measure.seconds(function() programs.run(command) end)
    end },
    { name .. " get", function()
      return measure.seconds(function() programs.run(programs.with(curl, "-o", "/dev/null", url .. "large")) end)
    end },
  }
end

---Requests a second.
local function rate(wrk, url)
  local told = programs.run { wrk, "-t", "1", "-c", tostring(IN_FLIGHT), "-d", SECONDS .. "s", url }.stdout
  assert(not told:find "Non%-2xx", told)
  return tonumber(told:match "Requests/sec:%s*([%d.]+)")
end

local function tell_large(report, medians, has_peer)
  for _, row in ipairs { { "put", "2.00 x" }, { "get", "1.43 x" } } do
    for _, how in ipairs { { "filo", "" }, { "s3", " by S3" } } do
      report {
        work = ("%s 1 GiB%s, memory warm"):format(row[1], how[2]), filo = medians[how[1] .. " " .. row[1]][1], unit = "s", reach = row[2],
        beside = has_peer and "nginx" or nil, peer = has_peer and medians["nginx " .. row[1]][1] or nil,
      }
    end
  end
end

local function measure_large(report, curl, url, s3, peer_url, place)
  local source = place .. "/source"
  folder.fill(source, MIB)
  local signed = s3_curl(curl, s3, place)
  programs.run(programs.with(signed, "-X", "PUT", s3.url .. "bucket"))
  local works = transfers(curl, "filo", url .. "o/", source)
  table.move(transfers(signed, "s3", s3.url .. "bucket/", source), 1, 2, #works + 1, works)
  if peer_url then table.move(transfers(curl, "nginx", peer_url .. "put/", source), 1, 2, #works + 1, works) end
  tell_large(report, measure.in_turns(RUNS, works), peer_url ~= nil)
end

local function measure_small(report, curl, url, peer_url, place)
  local wrk, small = programs.find "wrk", place .. "/small"
  if not wrk then return report { work = "get 4 KiB, 64 in flight", missing = "wrk is not installed" } end
  folder.fill(small, 4 / 1024)
  programs.run(programs.with(curl, "-T", small, url .. "o/small"))
  local works = {
    { "object", function() return rate(wrk, url .. "o/small") end }, { "text", function() return rate(wrk, url .. "text") end },
  }
  if peer_url then works[3] = { "nginx", function() return rate(wrk, peer_url .. "small") end } end
  local medians = measure.in_turns(3, works)
  local function row(work, figure, reach)
    report { work = work, filo = figure, unit = "/s", reach = reach, beside = peer_url and "nginx", peer = peer_url and medians.nginx[1] }
  end
  row("get 4 KiB of an object, 64 in flight", medians.object[1], "15000 /s")
  row("get 4 KiB of a string, 64 in flight", medians.text[1])
end

---@type bench.Part
return function(report)
  local curl = programs.find "curl"
  if not curl then return report { work = "transfers", missing = "curl is not installed" } end
  local temporary <close> = folder.temporary()
  local _ <close>, url, s3 = start(temporary.path .. "/root")
  local nginx <close>, peer_url = programs.plain_nginx(temporary.path)
  local command = { curl, "-s", "-S", "-f" }
  measure_large(report, command, url, s3, nginx and peer_url, temporary.path)
  measure_small(report, command, url, nginx and peer_url, temporary.path)
end
