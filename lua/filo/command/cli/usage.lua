---`filo usage`: tells for whom this node keeps how much, and who has brought it.

local catalogue_progress = require "filo.command.catalogue_progress"
local format = require "filo.base.format"
local json = require "filo.base.json"
local kept = require "filo.command.kept"
local open = require "filo.command.root.open"
local root = require "filo.command.root"

local FIRST = { "owner", "member", "objects", "bytes", "deleted" }

local function line(usage, args)
  if args.json then return json.encode(usage, FIRST) end
  local whose = usage.owner or usage.member and "from " .. usage.member or usage.trash and "in the trash" or "in all"
  local deleted = usage.deleted > 0 and ", and " .. format.count(usage.deleted, "deletion", "deletions") or ""
  local limit = kept.limit(usage)
  local more = kept.versions(usage) .. deleted
  return ("%s  %10s in %s%s%s"):format(whose, format.bytes(usage.bytes), format.count(usage.objects, "object", "objects"), more,
    limit and "; " .. limit or "")
end

---All that is kept for others. Limits are known to the node that runs.
---@return filo.Usage[]?, filo.Error?
local function list_all(args)
  local client <close> = open.client(args)
  local list, err = nil, nil
  if client then list, err = client:call "usage" end
  if list or err and err.code ~= "too_large" then return list, err end -- too many owners for one answer
  local node <close>, problem = open.reader(args)
  if not node then return nil, problem end
  local _ <close> = catalogue_progress(node, "usage")
  return kept.list(node)
end

return {
  summary = "Tell for whom this node keeps how much, and who has brought it.",

  describe = function(parser)
    root.option(parser)
    parser:flag("--json", "For programs: an object for each owner and member on each line.")
    parser:epilog("Each owner is told of by the ID of a namespace, and behind these, after 'from', each member that has brought copies by "
      .. "its node ID. Works with and without a running node, which also tells of quotas. What is kept for one who is gone "
      .. "for good: 'filo rm --owner ID'. What lies in the trash counts for nobody: 'filo trash'.")
  end,

  run = function(args)
    local list, err = list_all(args)
    if not list then return nil, err end
    for _, usage in ipairs(list) do io.write(line(usage, args), "\n") end
  end,
}
