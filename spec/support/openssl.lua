---The `openssl` command as functions, and GCM on top of its AES: a second opinion on everything that Filo computes.
---Runs in plain Lua 5.4. All strings are raw bytes.

local openssl = {}

local function hex(bytes) return (bytes:gsub(".", function(c) return ("%02x"):format(c:byte()) end)) end
local function unhex(digits) return (digits:gsub("%x%x", function(d) return string.char(tonumber(d, 16)) end)) end

openssl.hex, openssl.unhex = hex, unhex

local function write_file(path, bytes)
  local file <close> = assert(io.open(path, "wb"))
  assert(file:write(bytes))
end

---Runs `openssl` with these files, by name; "$name" in the arguments stands for a file. Returns what it wrote, and
---whether it succeeded.
local function run(arguments, files)
  local names = {}
  for name, bytes in pairs(files) do
    names[name] = os.tmpname()
    write_file(names[name], bytes)
  end
  local pipe = assert(io.popen("openssl " .. arguments:gsub("%$(%w+)", names) .. " 2>&1", "r"))
  local output = pipe:read "a"
  local ok = pipe:close()
  for _, path in pairs(names) do os.remove(path) end
  return output, ok
end

local function must(arguments, files)
  local output, ok = run(arguments, files)
  if not ok then error(("openssl %s: %s"):format(arguments, output)) end
  return output
end

function openssl.sha256(data) return must("dgst -sha256 -binary $data", { data = data }) end
function openssl.sha1(data) return must("dgst -sha1 -binary $data", { data = data }) end

function openssl.hmac(key, data)
  return must(("dgst -sha256 -mac HMAC -macopt hexkey:%s -binary $data"):format(hex(key)), { data = data })
end

---RFC 5869, no salt, 32 bytes.
function openssl.hkdf(secret, info)
  local extracted = openssl.hmac(("\0"):rep(32), secret)
  return openssl.hmac(extracted, info .. "\1")
end

---From this counter block on.
function openssl.aes_ctr(key, block, data)
  if data == "" then return "" end
  return must(("enc -aes-256-ctr -K %s -iv %s -nopad -in $data"):format(hex(key), hex(block)), { data = data })
end

local function aes_block(key, block)
  return must(("enc -aes-256-ecb -K %s -nopad -in $block"):format(hex(key)), { block = block })
end

-- RFC 8410: the fixed start of an Ed25519 key's encodings.
local PRIVATE, PUBLIC = unhex "302e020100300506032b657004220420", unhex "302a300506032b6570032100"

function openssl.ed25519_public(seed)
  return must("pkey -inform DER -in $key -pubout -outform DER", { key = PRIVATE .. seed }):sub(-32)
end

function openssl.ed25519_sign(seed, data)
  return must("pkeyutl -sign -rawin -keyform DER -inkey $key -in $data", { key = PRIVATE .. seed, data = data })
end

function openssl.ed25519_verify(public, data, signature)
  local files = { key = PUBLIC .. public, data = data, signature = signature }
  local _, ok = run("pkeyutl -verify -rawin -pubin -keyform DER -inkey $key -in $data -sigfile $signature", files)
  return ok == true
end

-- GCM (NIST SP 800-38D), with GHASH in Lua: a block is two 64-bit halves, its first bit the highest.

local function multiply(xh, xl, yh, yl)
  local zh, zl = 0, 0
  for i = 0, 127 do
    local bit = i < 64 and (xh >> (63 - i)) & 1 or (xl >> (127 - i)) & 1
    if bit == 1 then zh, zl = zh ~ yh, zl ~ yl end
    local carry = yl & 1
    yh, yl = yh >> 1, (yl >> 1) | (yh << 63)
    if carry == 1 then yh = yh ~ 0xe1 << 56 end
  end
  return zh, zl
end

local function pad(bytes) return bytes .. ("\0"):rep(-#bytes % 16) end

local function ghash(h, ad, ciphertext)
  local hh, hl = (">i8i8"):unpack(h)
  local yh, yl = 0, 0
  local input = pad(ad) .. pad(ciphertext) .. (">I8I8"):pack(8 * #ad, 8 * #ciphertext)
  for at = 1, #input, 16 do
    local bh, bl = (">i8i8"):unpack(input, at)
    yh, yl = multiply(yh ~ bh, yl ~ bl, hh, hl)
  end
  return (">i8i8"):pack(yh, yl)
end

local function xor(a, b)
  local ah, al = (">i8i8"):unpack(a)
  local bh, bl = (">i8i8"):unpack(b)
  return (">i8i8"):pack(ah ~ bh, al ~ bl)
end

local function gcm_tag(key, nonce, ciphertext, ad)
  return xor(ghash(aes_block(key, ("\0"):rep(16)), ad, ciphertext), aes_block(key, nonce .. "\0\0\0\1"))
end

function openssl.gcm_seal(key, nonce, plain, ad)
  local ciphertext = openssl.aes_ctr(key, nonce .. "\0\0\0\2", plain)
  return ciphertext, gcm_tag(key, nonce, ciphertext, ad)
end

---Nil when the tag is another.
function openssl.gcm_open(key, nonce, ciphertext, tag, ad)
  if gcm_tag(key, nonce, ciphertext, ad) ~= tag then return nil end
  return openssl.aes_ctr(key, nonce .. "\0\0\0\2", ciphertext)
end

return openssl
