---Who has opened the page of a node: tokens that `filo open` was given, each of which is traded once for a session, and sessions, which a
---browser proves by a cookie. They are kept in memory only, and end with the process.

local crypto = require "filo.core.crypto"
local filo = require "filo"

local TOKEN_SECONDS, SESSION_SECONDS = 60, 12 * 3600
local SIZE = 32 -- bytes, random

---Of each: the oldest goes when there are more.
local MOST = 64

---@class filo.Secrets  texts that are known for a while, in the order in which they end
---@field seconds number
---@field list {text: string, ends: number}[]

---@class filo.Sessions
---@field tokens filo.Secrets
---@field sessions filo.Secrets
local Sessions = { SECONDS = SESSION_SECONDS }
Sessions.__index = Sessions

---@return filo.Sessions
local function new()
  return setmetatable({ tokens = { seconds = TOKEN_SECONDS, list = {} }, sessions = { seconds = SESSION_SECONDS, list = {} } }, Sessions)
end

local function drop_old(secrets)
  local list, now = secrets.list, filo.now()
  while list[1] and (list[1].ends <= now or #list > MOST) do table.remove(list, 1) end
end

local function add(secrets)
  local text = crypto.hex(crypto.random(SIZE))
  table.insert(secrets.list, { text = text, ends = filo.now() + secrets.seconds })
  drop_old(secrets)
  return text
end

---Compares with all of them, each in constant time: how long it takes tells nothing.
---@return integer?  its place
local function find(secrets, text)
  drop_old(secrets)
  local found
  for i, each in ipairs(secrets.list) do
    if crypto.equal(each.text, text) then found = i end
  end
  return found
end

---A new token, 64 hex digits, good for once and for a minute.
---@return string
function Sessions:token() return add(self.tokens) end

---Trades a token for a session.
---@param token string  anybody's word
---@return string?  what a browser is to prove the session by
function Sessions:begin(token)
  local at = find(self.tokens, token)
  if not at then return nil end
  table.remove(self.tokens.list, at)
  return add(self.sessions)
end

---@param text string  anybody's word
---@return boolean
function Sessions:has(text) return find(self.sessions, text) ~= nil end

---Ends a session.
---@param text string  anybody's word
function Sessions:finish(text)
  local at = find(self.sessions, text)
  if at then table.remove(self.sessions.list, at) end
end

return new
