---The cluster secret: whether a person made it up. Who gets a proof of one like that can try out, at his leisure, what else it could be;
---of one that a machine has drawn nobody finds it so.

local secret = {}

local HEX_LEAST, LETTERS_LEAST, BYTES_LEAST = 32, 22, 16 -- with 128 bits
local HEX_DIGITS = 8 -- different ones at least
local CHANGES = 0.4 -- from one kind of letter to another, of all neighbours: words have few

local function kind(letter) return letter:match "%l" and 1 or letter:match "%u" and 2 or letter:match "%d" and 3 or 4 end

local function changes(text)
  local count = 0
  for i = 2, #text do
    if kind(text:sub(i, i)) ~= kind(text:sub(i - 1, i - 1)) then count = count + 1 end
  end
  return count / (#text - 1)
end

local function different(text)
  local seen, count = {}, 0
  for letter in text:gmatch "." do
    if not seen[letter] then count = count + 1 end
    seen[letter] = true
  end
  return count
end

---Whether a secret looks like 128 random bits or more: in hexadecimal, in letters and digits, or as bytes.
---@param text string
---@return boolean
function secret.is_random(text)
  local digits = text:gsub("[-:]", "")
  if digits:match "^%x+$" then return #digits >= HEX_LEAST and different(digits:lower()) >= HEX_DIGITS end
  if not utf8.len(text) then return #text >= BYTES_LEAST end
  return #text >= LETTERS_LEAST and not text:find "%s" and changes(text) >= CHANGES
end

---Warns of a secret that may be guessed.
---@param host filo.Host
---@param text? string
function secret.check(host, text)
  if not text or secret.is_random(text) then return end
  host.log("warning", "the cluster secret looks like one that a person made up: whoever is dialled instead of a node may find it by "
    .. "guessing; have one made for all nodes (openssl rand -hex 32)")
end

return secret
