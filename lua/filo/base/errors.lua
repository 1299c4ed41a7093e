---Errors of the world: tables with `code` and `message`, and where known `peer`, `key`, `retryable`. They are
---returned as `nil, err`; `tostring(err)` is a sentence.

local runtime = require "filo.core.runtime"

local metatable, codes = runtime.error_type, runtime.error_codes()

local errors = {}

---true for failures that may go away by themselves; else nil.
local function retryable(code) return codes[code] and codes[code].retryable or nil end

---A failure of the world, as calls return it after nil; tostring gives the message.
---@class filo.Error
---@field code string  a stable name, such as not_found: lua/README.md lists them
---@field message string  a sentence: what happened, to what, what to do
---@field peer? string  the node ID of the peer concerned
---@field key? string  the key concerned
---@field version? integer  of `exists`: the version that is there, where it is not the one that was expected
---@field retryable? boolean  the same call may succeed in a while

---Makes an error.
---@param code string
---@param message string
---@param fields? table  more fields
---@return filo.Error
function errors.new(code, message, fields)
  local err = { code = code, message = message, retryable = retryable(code) }
  for name, value in pairs(fields or {}) do err[name] = value end
  return setmetatable(err, metatable)
end

---`nil, err` in one go.
function errors.fail(code, message, fields) return nil, errors.new(code, message, fields) end

---`nil, err` for a failure of Lua's own io, which gives the system's number for it: "denied", "not_found" ...
---@param number integer
---@param sentence string  what failed, at what
function errors.of_system(number, sentence) return nil, runtime.error_of(number, sentence) end

---Puts a context before the message of an error and adds fields.
---@param err filo.Error|string
---@param context string
---@param fields? table
---@return filo.Error
function errors.wrap(err, context, fields)
  if type(err) ~= "table" then return errors.new("io", context .. ": " .. errors.text(err), fields) end
  local wrapped = {}
  for name, value in pairs(err) do wrapped[name] = value end
  for name, value in pairs(fields or {}) do wrapped[name] = value end
  wrapped.message = context .. ": " .. err.message
  wrapped.retryable = retryable(err.code)
  return setmetatable(wrapped, metatable)
end

---True for the error that a cancelled wait raises.
function errors.is_cancelled(err)
  return getmetatable(err) == metatable and err.code == "cancelled"
end

local function pass_on(ok, err, ...)
  if not ok and errors.is_cancelled(err) then error(err, 0) end
  return ok, err, ...
end

---As pcall, but a cancellation goes on: it is not for those in between to catch.
---@param fn function
---@param ... any
---@return boolean, any ...
function errors.try(fn, ...) return pass_on(pcall(fn, ...)) end

---Types whose values are a text as they are; of others `tostring` gives an address, unless they say otherwise.
local PLAIN = { ["nil"] = true, boolean = true, number = true, string = true }

---As tostring, of any value that a script raised or gave as a reason; of a table that does not say what it is, its message, or its code.
---@param value any
---@return string
function errors.text(value)
  local metatable_of = debug.getmetatable(value)
  local ok, text = pcall(tostring, value)
  if ok and (PLAIN[type(value)] or metatable_of and rawget(metatable_of, "__tostring")) then return text end
  local message = type(value) == "table" and (rawget(value, "message") or rawget(value, "code"))
  return type(message) == "string" and message or ("a %s that cannot be shown"):format(type(value))
end

---True for a value made here or by the core.
function errors.is(err) return getmetatable(err) == metatable end

return errors
