---`filo status`: tells how the running node is.

local format = require "filo.base.format"
local json = require "filo.base.json"
local open = require "filo.command.root.open"
local root = require "filo.command.root"
local rotation = require "filo.command.rotation"

local WORDS = { store = "storing", copy = "copying to %s", fetch = "fetching", check = "checking the copy at %s" }

local function moving(each)
  local what = WORDS[each.what]:format(each.peer and each.peer:sub(1, 16))
  local far = each.size and ("%s of %s"):format(format.bytes(each.bytes), format.bytes(each.size)) or format.bytes(each.bytes)
  return ("%s %s: %s"):format(what, format.printable(each.key or "content"), far)
end

local function space(status)
  if not status.free then return "not known yet: the disk is busy" end
  return ("%s free of %s"):format(format.bytes(status.free), format.bytes(status.total))
end

local function bad(status)
  local copies = format.count(status.bad.count, "copy was", "copies were")
  return ("%s set aside: %s in %s/bad"):format(copies, format.bytes(status.bad.bytes), format.printable(status.root))
end

local function peers(status)
  if not status.unreached[1] then return status.peers end
  return ("%d; not connected: %s"):format(status.peers, format.printable(format.several(status.unreached, ", ")))
end

local function stored(status, each)
  local whose = each.owner == status.namespace and "its own" or "for " .. each.owner:sub(1, 16)
  local deleted = each.deleted > 0 and ", and " .. format.count(each.deleted, "deletion", "deletions") or ""
  return ("%s: %s, %s%s"):format(whose, format.count(each.objects, "object", "objects"), format.bytes(each.bytes), deleted)
end

---Of the catalogue, where what is stored is not known.
local function uncounted(status)
  local catalogue = status.catalogue
  if catalogue.state == "failed" then return "not known: the catalogue cannot be used; the log tells why" end
  return ("not known yet: the catalogue is being made, %s so far"):format(format.count(catalogue.seen, "object", "objects"))
end

local function describe(status)
  local lines = {
    { "node", status.id }, { "namespace", status.namespace }, { "version", status.version }, { "process", status.pid or "unknown" },
    { "root", status.root },
    { "listens", status.address or "no" },
    { "peers", peers(status) }, { "policy", status.policy },
    { "space", space(status) },
    { "memory", status.memory and format.bytes(status.memory) or "unknown: /proc is not mounted" }, { "up", format.clock(status.uptime) },
  }
  if status.bad and status.bad.count > 0 then lines[#lines + 1] = { "bad", bad(status) } end
  if not status.counted then lines[#lines + 1] = { "stores", uncounted(status) } end
  for _, each in ipairs(status.stored) do lines[#lines + 1] = { "stores", stored(status, each) } end
  for _, each in ipairs(status.rotations) do
    lines[#lines + 1] = { "rotation", ("%s: %s"):format(each.namespace, rotation.left(each) or "over") }
  end
  for _, each in ipairs(status.moving) do lines[#lines + 1] = { "moves", moving(each) } end
  for i, each in ipairs(lines) do lines[i] = ("%-9s %s\n"):format(each[1], each[2]) end
  return table.concat(lines)
end

return {
  summary = "Tell how the running node is, and what it does.",

  describe = function(parser)
    root.option(parser)
    parser:flag("--json", "For programs.")
  end,

  run = function(args)
    local client <close>, err = open.client(args)
    if not client then return nil, err end
    local status
    status, err = client:ask "status"
    if not status then return nil, err end
    status.pid = client:process()
    io.write(args.json and json.encode(status, { "id", "namespace", "root" }) .. "\n" or describe(status))
  end,
}
