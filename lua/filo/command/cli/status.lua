---`filo status`: tells how the running node is.

local applied = require "filo.command.applied"
local exit = require "filo.base.exit_status"
local format = require "filo.base.format"
local json = require "filo.base.json"
local kept = require "filo.command.kept"
local open = require "filo.command.root.open"
local root = require "filo.command.root"
local rotation = require "filo.command.rotation"
local shortage = require "filo.command.shortage"

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

---What can be brought back.
local function trash(given)
  return ("%s, %s: gone after %s, or when the room is needed; see 'filo trash'"):format(format.count(given.objects, "object", "objects"),
    format.bytes(given.bytes), format.count(given.hours, "hour", "hours"))
end

local function peers(status)
  if not status.unreached[1] then return status.peers end
  return ("%d; not connected: %s"):format(status.peers, format.printable(format.several(status.unreached, ", ")))
end

local function stored(status, each)
  local whose = each.owner == status.namespace and "its own" or "for " .. each.owner:sub(1, 16)
  local deleted = each.deleted > 0 and ", and " .. format.count(each.deleted, "deletion", "deletions") or ""
  return ("%s: %s, %s%s%s"):format(whose, format.count(each.objects, "object", "objects"), format.bytes(each.bytes), kept.versions(each),
    deleted)
end

local function rates(status)
  local texts = {}
  for i, way in ipairs { "up", "down" } do
    local most = status.rates["most_" .. way]
    texts[i] = ("%s %s/s%s"):format(way, format.bytes(status.rates[way]), most and (" of %s/s"):format(format.bytes(most)) or "")
  end
  return table.concat(texts, ", ")
end

local function over_quota(each)
  local whose = each.owner and "for " .. each.owner:sub(1, 16) or each.member and "from " .. each.member:sub(1, 16) or "for others"
  return ("%s: %s"):format(whose, kept.limit(each))
end

---Of the catalogue, where what is stored is not known.
local function uncounted(status)
  local catalogue = status.catalogue
  if catalogue.state == "failed" then return "not known: the catalogue cannot be used; the log tells why" end
  return ("not known yet: the catalogue is being made, %s so far"):format(format.count(catalogue.seen, "object", "objects"))
end

local function found(of)
  local objects = ("%s, %s"):format(format.count(of.objects, "object", "objects"), format.bytes(of.bytes))
  return ("%s, %s bad, %s healed"):format(objects, format.number(of.bad), format.number(of.healed))
end

---What the scrub does, and what it found the last time.
local function scrub(status)
  local round, last = status.scrub.round, status.scrub.last
  local lines = {}
  if round then
    local left = round.left and (", %s left"):format(format.count(round.left, "object", "objects")) or ""
    lines[1] = ("since %s: %s%s"):format(format.date(round.began), found(round), left)
  elseif not status.scrub.every then
    lines[1] = "off: only 'filo verify --all' does it"
  end
  if last then lines[#lines + 1] = ("last round ended %s: %s"):format(format.date(last.began + last.seconds), found(last)) end
  if not lines[1] then lines[1] = "begins soon" end
  return lines
end

local function wanted(status, each)
  local what = each.key and format.printable(each.key) or each.key_hash:sub(1, 16)
  if each.owner ~= status.namespace then what = ("%s of %s"):format(what, each.owner:sub(1, 16)) end
  return ("%s: %s; again in %s"):format(what, format.printable(each.problem), format.clock(each.next))
end

---How copies are looked after.
local function looked_after(given)
  local report, soon = given.report, "in " .. format.clock(given.next)
  if given.held then return ("nothing is made anew: %s; looked at again %s, or by 'filo repair'"):format(given.held, soon) end
  if not report then return "looked after " .. soon end
  return ("%s; looked after at %s, again %s"):format(shortage.text(report), format.date(report.time), soon)
end

local function describe(status)
  local lines = {
    { "node", status.id }, { "namespace", status.namespace }, { "version", status.version }, { "process", status.pid or "unknown" },
    { "root", status.root },
    { "listens", status.address or "no" },
    { "members", ("%d (%d of them connected)"):format(status.members.all, status.members.connected) }, { "peers", peers(status) },
    { "policy", status.policy },
    { "rates", rates(status) }, { "space", space(status) },
    { "memory", status.memory and format.bytes(status.memory) or "unknown: /proc is not mounted" }, { "up", format.clock(status.uptime) },
  }
  if status.bad and status.bad.count > 0 then lines[#lines + 1] = { "bad", bad(status) } end
  if status.trash and status.trash.objects > 0 then lines[#lines + 1] = { "trash", trash(status.trash) } end
  if not status.counted then lines[#lines + 1] = { "stores", uncounted(status) } end
  for _, each in ipairs(status.stored) do lines[#lines + 1] = { "stores", stored(status, each) } end
  for _, each in ipairs(status.over_quota) do lines[#lines + 1] = { "quota", over_quota(each) } end
  for _, line in ipairs(scrub(status)) do lines[#lines + 1] = { "scrub", line } end
  if status.wanted.count > 0 then
    local copies = format.count(status.wanted.count, "copy is", "copies are")
    lines[#lines + 1] = { "wanted", copies .. " bad here, and no other was to be had yet" }
  end
  for _, each in ipairs(status.wanted.list) do lines[#lines + 1] = { "wanted", wanted(status, each) } end
  lines[#lines + 1] = { "copies", looked_after(status.copies) }
  if status.applied then lines[#lines + 1] = { "plan", applied(status.applied) } end
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
    parser:epilog "Exits with 4 while a copy here is bad and no other was to be had."
  end,

  run = function(args)
    local client <close>, err = open.client(args)
    if not client then return nil, err end
    local status
    status, err = client:ask "status"
    if not status then return nil, err end
    status.pid = client:process()
    io.write(args.json and json.encode(status, { "id", "namespace", "root" }) .. "\n" or describe(status))
    local report = status.copies.report
    local short = report and report.short > 0 or status.wanted.count > 0
    return short and exit.not_enough_copies or exit.done
  end,
}
