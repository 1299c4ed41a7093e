---What a command tells of what went wrong, on stderr.

local errors = require "filo.base.errors"
local exit = require "filo.base.exit_status"
local filo = require "filo"
local format = require "filo.base.format"
local json = require "filo.base.json"

local failures = {}

---A message, which may quote anything.
---@param name string  of the command
---@param text string
function failures.tell(name, text) io.stderr:write("filo ", name, ": ", text:gsub("[^\n]+", format.printable), "\n") end

---For programs: what a command writes on standard output of what failed, beside its message.
---@param err filo.Error  with `path` where it is about a file of the root
---@param about? {key?: string, path?: string}  what it is about, when the error does not say it
function failures.write_json(err, about)
  about = about or {}
  local failure = {
    key = err.key or about.key, path = err.path or about.path, error = { code = err.code, message = err.message }, receipt = err.receipt,
  }
  io.write(json.encode(failure, { "key", "path" }), "\n")
end

---For a command that is given several things: one that fails is told, and the others go on.
---@param name string  of the command
---@param list (string|table)[]  keys, or tables with `key` and `path` where they have these
---@param fn fun(each: any): any, filo.Error?
---@param as_json? boolean  tell it for programs, too
---@return integer exit status: that of the first failure. That the command line makes no sense is said of all of it only
function failures.each(name, list, fn, as_json)
  local status, failed = exit.done, 0
  for _, each in ipairs(list) do
    filo.sleep(0) -- where Ctrl-C ends it
    local done, err = fn(each)
    if not done then
      failures.tell(name, errors.text(err))
      if as_json then failures.write_json(err, type(each) == "string" and { key = each } or each) end
      failed = failed + 1
      if status == exit.done then status = exit.of(err) end
    end
  end
  if failed > 0 and #list > 1 then failures.tell(name, ("%d of %d failed"):format(failed, #list)) end
  return status == exit.usage and #list > 1 and exit.failure or status
end

return failures
