local json = require "filo.dkjson"
local process = require "spec.support.process"
local temp = require "spec.support.temp"

---Rows reported by a part, as a process prints them.
local function print_rows(kind, rows)
  local folder <close> = temp.folder()
  local path = folder:write("rows.lua", ([[
    package.path = "scripts/?.lua;" .. package.path
    local report = require "bench.support.report"
    local tell = report.%s "bulk"
    for _, row in ipairs { %s } do tell(row) end
  ]]):format(kind, rows))
  local result = process.run { path }
  assert.equal("", result.err)
  return result.out
end

describe("scripts/bench.lua", function()
  it("refuses a part that there is not, and lists those that there are", function()
    local result = process.run { "scripts/bench.lua", "bulky" }
    assert.equal(2, result.status)
    assert.equal("", result.out)
    local parts = "seal, bulk, small, files, catalogue, in_step, repair, http, runtime"
    assert.matches("bench.lua: there is no part 'bulky'; there are " .. parts, result.err, 1, true)
    assert.matches("filo scripts/bench.lua [--json] [PART ...]", result.err, 1, true)
  end)

  it("prints a table in which more than 1 is worse, of times and of rates", function()
    local out = print_rows("table", [[
      { work = "store", filo = 3, unit = "s", beside = "rsync", peer = 2, reach = "1.70 x" },
      { work = "gets", filo = 100, unit = "/s", beside = "redis", peer = 150 },
      { work = "send", missing = "scp is not installed" }]])
    local head, store, gets, send = out:match "^(.-)\n(.-)\n(.-)\n(.-)\n$"
    assert.matches("^bulk +Filo +beside +ratio +to reach$", head)
    assert.matches("^  store +3.00 s +2.00 s +rsync +1.50 x +1.70 x$", store)
    assert.matches("^  gets +100 /s +150 /s +redis +1.50 x$", gets)
    assert.matches("^  send +scp is not installed$", send)
  end)

  it("prints one JSON object a row with --json", function()
    local out = print_rows("json", [[
      { work = "store", filo = 3, unit = "s", beside = "rsync", peer = 2 }, { work = "send", missing = "no scp" }]])
    local first, second = out:match "^(.-)\n(.-)\n$"
    assert.same({ part = "bulk", work = "store", filo = 3, unit = "s", beside = "rsync", peer = 2, ratio = 1.5 }, json.decode(first))
    assert.same({ part = "bulk", work = "send", missing = "no scp" }, json.decode(second))
  end)
end)
