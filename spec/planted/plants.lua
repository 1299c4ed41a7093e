---Bugs that somebody could make, each in a few lines, and what a user would lose by them. They are planted one at a time, in a copy of the
---sources, to see whether `filo sim` finds them: run.lua.

---@class filo.spec.Plant
---@field name string
---@field loses string  what it does to a user
---@field [integer] filo.spec.Change

---@class filo.spec.Change
---@field file string  below lua/filo
---@field text string  occurs there once
---@field becomes string

---@type filo.spec.Plant[]
return {
  -- Deletions ---------------------------------------------------------------------------------------------------------------

  {
    name = "deletions-untold",
    loses = "what he deletes stays at all who hold it, and can be read there by whom he gave it to",
    {
      file = "replication/tombstones.lua",
      text = [[peer:across_takeover(peer.ask, "store", { record = tombstone.record, body = "" })]],
      becomes = [[peer:across_takeover(peer.ask, "offer", { record = tombstone.record })]],
    },
    {
      file = "replication/looking.lua",
      text = [[if holder.version < item.row.version and not item.shared.writers[holder.node] then]],
      becomes = [[if holder.deleted and holder.version < item.row.version and not item.shared.writers[holder.node] then]],
    },
  },

  -- Copies that go ----------------------------------------------------------------------------------------------------------

  {
    name = "evict-unproved",
    loses = "the last good copy, since another that had rotted, or was never written, was taken for good",
    {
      file = "node/deleting.lua",
      text = [[if copy.version == fields.version then ok, err = self.prove:at(name, copy, reference) end]],
      becomes = [[if copy.version == fields.version then ok = true end]],
    },
  },
  {
    name = "surplus-unproved",
    loses = "good copies, which go although those of others have rotted",
    {
      file = "replication/surplus.lua",
      text = [[
    if not ok then return nil, err end
  end
  return true]],
      becomes = [[
    if not ok and err.code ~= "corrupt" then return nil, err end
  end
  return true]],
    },
  },
  {
    name = "proof-unchecked",
    loses = "good copies, which go because a peer that does not have the bytes says that it has",
    {
      file = "replication/prove.lua",
      text = [[if not host.crypto.equal(answer.hash, wanted) then]],
      becomes = [[if #answer.hash ~= #wanted then]],
    },
  },
  {
    name = "surplus-stays",
    loses = "the room on his disks: copies that were made while a member was away stay for ever",
    {
      file = "replication/surplus.lua",
      text = [[not (plan.make[1] or plan.away[1])]],
      becomes = [[not (plan.make or plan.away[1])]],
    },
  },

  -- Copies that are made ------------------------------------------------------------------------------------------------------

  {
    name = "repair-leaves-last",
    loses = "copies: where only one is missing it is not made",
    {
      file = "replication/repair.lua",
      text = [[if item.plan and item.plan.make[1] and not item.outdated then]],
      becomes = [[if item.plan and item.plan.make[2] and not item.outdated then]],
    },
  },
  {
    name = "repair-by-all",
    loses = "his line: each who has an object sends it whenever a copy is missing, not one of them",
    {
      file = "replication/repair.lua",
      text = [[digest("sha256", item.row.key_hash .. id) end]],
      becomes = [[digest("sha256", item.row.key_hash) end]],
    },
  },
  {
    name = "receipt-early",
    loses = "what a receipt told him was safe: it lay at one node when that burnt",
    {
      file = "replication/spread.lua",
      text = [[#receipt.copies >= receipt.quorum or #receipt.pending == 0]],
      becomes = [[#receipt.copies + #receipt.pending >= receipt.quorum or #receipt.pending == 0]],
    },
    {
      file = "replication/spread.lua",
      text = [[local function is_met(round) return #round.receipt.copies >= round.receipt.quorum]],
      becomes = [[local function is_met(round) return #round.receipt.copies + #round.receipt.pending >= round.receipt.quorum]],
    },
  },

  -- What counts as a copy -----------------------------------------------------------------------------------------------------

  {
    name = "older-counts",
    loses = "the newest version with one disk: members that have an older one are taken to have it",
    {
      file = "placement/plan.lua",
      text = [[return holder.version ~= nil and holder.version >= object.version and not holder.deleted]],
      becomes = [[return holder.version ~= nil and not holder.deleted]],
    },
  },
  {
    name = "trash-counts",
    loses = "copies: what lies in a member's trash, and goes after a day, is taken for one",
    {
      file = "replication/have.lua",
      text = [[if not fields and path and err.code == "corrupt" then given.set_aside(namespace, path, err) end]],
      becomes = [[if not fields and path and err.code == "corrupt" then given.set_aside(namespace, path, err) end
  if not fields and path then
    local dropped = given.disk:old_of("trash", namespace, key_hash)
    fields = dropped and dropped[1]
  end]],
    },
  },
  {
    name = "belief-kept",
    loses = "copies: a member that has lost its disk is taken to have them still",
    {
      file = "replication/in_step.lua",
      text = [[ok, err = self.catalogue:believe(node, answer.lacks, false)]],
      becomes = [[ok, err = self.catalogue:believe(node, answer.lacks, true)]],
    },
    {
      file = "replication/in_step.lua",
      text = [[self.catalogue:believe(node, body.gone, false)]],
      becomes = [[self.catalogue:believe(node, body.gone, true)]],
    },
    {
      file = "replication/in_step.lua",
      text = [[  if not step.alike then return nil end
]],
      becomes = [[]],
    },
  },

  -- Bad copies ----------------------------------------------------------------------------------------------------------------

  {
    name = "scrub-believes",
    loses = "copies that rot: each that was read once counts as good from then on",
    {
      file = "copies/scrub.lua",
      text = [[return fields and verified and verified > round.up_to and verified]],
      becomes = [[return fields and verified and verified]],
    },
  },
  {
    name = "heals-once",
    loses = "copies that rot while nobody who has another is in reach: they are given up",
    {
      file = "replication/healing.lua",
      text = [[if called and ok then]],
      becomes = [[if called then]],
    },
  },

  -- Versions and keys ---------------------------------------------------------------------------------------------------------

  {
    name = "older-found",
    loses = "what he wrote last: of two versions at peers the older one is read",
    {
      file = "replication/find.lua",
      text = [[if not best or versions.newer(found.fields, best.fields) then return found end]],
      becomes = [[if not best or versions.newer(best.fields, found.fields) then return found end]],
    },
  },
  {
    name = "conflict-lost",
    loses = "what he wrote on one machine while it did not hear of another, where he wrote the same object",
    {
      file = "node/conflicts.lua",
      text = [[local unknown = here and versions.newer(fields, here) and is_unknown(self, meta, fields, here, there)]],
      becomes = [[local unknown = here and versions.newer(here, fields) and is_unknown(self, meta, fields, here, there)]],
    },
  },
  {
    name = "rotate-leaves",
    loses = "his privacy: who was shut out reads on what was stored before the last change but one",
    {
      file = "node/rotating.lua",
      text = [[if fields.tombstone or fields.generation >= self.generation.number then return true end]],
      becomes = [[if fields.tombstone or fields.generation + 1 >= self.generation.number then return true end]],
    },
  },
  {
    name = "stored-in-clear",
    loses = "his privacy: what he stores is sent to others as it is",
    {
      file = "node/storing.lua",
      text = [[(given.encrypt == nil and not self.encrypts())]],
      becomes = [[(given.encrypt == nil and self.encrypts())]],
    },
  },

  -- What goes on for ever -----------------------------------------------------------------------------------------------------

  {
    name = "peers-pile-up",
    loses = "his memory: each peer that ever came is kept in mind, once for each time",
    {
      file = "node/candidates.lua",
      text = [[self.came = came -- without those that are gone]],
      becomes = [[]],
    },
  },
  {
    name = "tasks-pile-up",
    loses = "his processor: for each peer that ever came a task goes on asking it",
    {
      file = "replication/follow.lua",
      text = [[until done and not state.again or state.peer.gone]],
      becomes = [[until done and not state.again]],
    },
  },
}
