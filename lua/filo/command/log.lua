---The log of a service: one line for each event, on stderr, for people or for programs. Nothing waits for who reads it.

local format = require "filo.base.format"
local json = require "filo.base.json"
local runtime = require "filo.core.runtime"

local LEVELS = { "error", "warning", "info" }
local MESSAGE_MOST = 65536 -- bytes; what a peer says, or a script, may be longer
local RANKS = { error = 1, warning = 2, info = 3 }

---@class filo.Log
---@field level "error"|"warning"|"info"  what is less than that is left out
local Log = {}
Log.__index = Log

---@param options {level: string, json: boolean}
---@return filo.Log
local function new(options) return setmetatable({ level = options.level, json = options.json }, Log) end

---@param level "error"|"warning"|"info"
---@param message string  a sentence
---@param fields? table  the same for programs: event, peer, key ...
function Log:write(level, message, fields)
  if RANKS[level] > RANKS[self.level] then return end
  if #message > MESSAGE_MOST then message = message:sub(1, MESSAGE_MOST) .. "..." end
  local time = os.date "!%Y-%m-%dT%H:%M:%SZ"
  if not self.json then
    runtime.log(("%s %-7s %s\n"):format(time, level, format.printable(message)))
    return
  end
  local line = { time = time, level = level, message = message }
  for name, value in pairs(fields or {}) do line[name] = value end
  runtime.log(json.encode(line, { "time", "level", "event", "message" }) .. "\n")
end

return { new = new, LEVELS = LEVELS }
