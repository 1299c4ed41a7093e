---24 words that stand for the seed of an identity, to be written on paper: BIP 39 with 256 bits, so that other programs read them, too.
---Eleven bits a word, of the seed and behind it the first byte of its SHA-256.

local crypto = require "filo.core.crypto"
local errors = require "filo.base.errors"
local options = require "filo.base.options"

local words = { COUNT = 24 }

local LIST, NUMBERS = {}, {}
for word in require("filo.command.word_list"):gmatch "%l+" do
  NUMBERS[word] = #LIST
  LIST[#LIST + 1] = word
end

local function check_byte(seed) return crypto.digest("sha256", seed):sub(1, 1) end

---@param seed string  32 bytes
---@return string[]
function words.of(seed)
  local list, bits, held = {}, 0, 0
  for byte in (seed .. check_byte(seed)):gmatch "." do
    held, bits = (held << 8 | byte:byte()) & 0xfffff, bits + 8
    if bits >= 11 then
      bits = bits - 11
      list[#list + 1] = LIST[(held >> bits & 2047) + 1]
    end
  end
  return list
end

---The numbers of the words in a text; nil and an error of one that is in no list.
local function numbers_of(text)
  local numbers, count = {}, 0
  for word in text:lower():gmatch "%S+" do
    count = count + 1
    if not NUMBERS[word] then
      local nearest = options.nearest(word, LIST)
      return errors.fail("invalid", ("word %d, '%s', is none that can be there%s"):format(count, (word:gsub("%C", "%0"):gsub("%c", "?")),
        nearest and (": is it '%s'?"):format(nearest) or ""))
    end
    numbers[count] = NUMBERS[word]
  end
  if count == words.COUNT then return numbers end
  return errors.fail("invalid", ("there must be %d words, and here are %d"):format(words.COUNT, count))
end

---The seed that 24 words stand for.
---@param text string
---@return string? seed, filo.Error?
function words.seed(text)
  local numbers, err = numbers_of(text)
  if not numbers then return nil, err end
  local bytes, bits, held = {}, 0, 0
  for _, number in ipairs(numbers) do
    held, bits = (held << 11 | number) & 0xfffff, bits + 11
    while bits >= 8 do
      bits = bits - 8
      bytes[#bytes + 1] = string.char(held >> bits & 255)
    end
  end
  local all = table.concat(bytes)
  local seed = all:sub(1, 32)
  if check_byte(seed) == all:sub(33) then return seed end
  return errors.fail("invalid", "one of the words is another one, or two have changed places: each is in the list, so look at all of them")
end

return words
