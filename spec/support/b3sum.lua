---The `b3sum` command as functions: a second opinion on BLAKE3. Runs in plain Lua 5.4. All strings are raw bytes.

local b3sum = {}

local function run(arguments, data)
  local path = os.tmpname()
  local file <close> = assert(io.open(path, "wb"))
  assert(file:write(data))
  file:close()
  local pipe = assert(io.popen(("b3sum --raw %s < %s"):format(arguments, path), "r"))
  local hash = pipe:read "a"
  local ok = pipe:close()
  os.remove(path)
  if not ok or #hash ~= 32 then error("b3sum failed: " .. arguments) end
  return hash
end

function b3sum.hash(data) return run("", data) end

---@param context string of letters, digits and spaces
function b3sum.derive(context, data) return run(("--derive-key '%s'"):format(context), data) end

---@param key string  32 bytes
function b3sum.keyed(key, data)
  local path = os.tmpname()
  local file <close> = assert(io.open(path, "wb"))
  assert(file:write(data))
  file:close()
  local out = os.tmpname()
  local pipe = assert(io.popen(("b3sum --raw --keyed %s > %s"):format(path, out), "w"))
  assert(pipe:write(key))
  local ok = pipe:close()
  local result <close> = assert(io.open(out, "rb"))
  local hash = result:read "a"
  os.remove(path)
  os.remove(out)
  if not ok or #hash ~= 32 then error "b3sum --keyed failed" end
  return hash
end

return b3sum
