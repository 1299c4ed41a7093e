---The node: one identity, one store, its peers, and the calls that a script makes on it. Calls are checked here; what they do is in
---node/ and replication/.

local close = require "filo.node.close"
local accepting = require "filo.node.accepting"
local configuring = require "filo.node.configuring"
local errors = require "filo.base.errors"
local inside = require "filo.base.inside"
local make = require "filo.node.make"
local keys = require "filo.copies.keys"
local membership = require "filo.node.membership"
local named = require "filo.node.named"
local namespace = require "filo.node.namespace"
local readers = require "filo.node.readers"
local peer_settings = require "filo.node.peer_settings"
local placement = require "filo.placement.plan"
local setup = require "filo.node.setup"
local sharing = require "filo.node.sharing"
local source = require "filo.node.content"

---A node: an identity, a store of objects, and peers that hold copies of them. May be a `<close>` variable.
---@class filo.Node
---@field id string  node ID, 64 hex digits
---@field root string
---@field address? string  numeric address where it listens
---@field about table  what peers are told of it
local Node = {}
inside.seal(Node, "a node", { "id", "root", "address", "about" })

---What is behind a node that a script gave. Misuse is an error at the line of the caller's caller, or further up.
---@return filo.node.Parts
local function parts_of(self, level)
  local node = inside.of(self)
  if not node then error("a node expected: is there a dot in place of the colon, as in node:peers()?", (level or 2) + 1) end
  return node
end

local function open(self, level)
  local node = parts_of(self, (level or 2) + 1)
  if node.closed then error("the node is closed", (level or 2) + 1) end
  return node
end

---The node, and the name of a key that a script gave to the caller of this; or nil, and an error.
---@return filo.node.Parts, filo.Name?, filo.Error?
local function open_for(self, key)
  local node = open(self, 3)
  local ok, err = keys.check_key(key, 3)
  if not ok then return node, nil, err end
  return node, node.names:of(key)
end

---A namespace that this node has keys to: "own", which is made with its identity, or one that it was given, by the name under which it
---was accepted. Without a name, the one that the node's own calls are about: "main", where there is one, else "own".
---@param name? string
---@return filo.Namespace?, filo.Error?
function Node:namespace(name)
  local node = parts_of(self)
  if name ~= nil and type(name) ~= "string" then error("namespace: a name expected", 2) end
  local space, err = node.spaces:named(name or node.spaces.list[1].name)
  if not space then return nil, err end
  return node.faces[space.name]
end

---Puts what another node's `share` gave on the key ring, under a name, by which `namespace` finds it from then on. Nothing is replaced: of
---a namespace that is there already, more may be done. Peers are told of one that can be written.
---@param line string  a capability
---@param name? string  letters, digits and . _ - inside, 64 at most; the name that the namespace has here, or the start of its ID
---@return filo.Namespace?, filo.Error?
function Node:accept(line, name)
  local node = open(self)
  if type(line) ~= "string" then error("accept: a capability expected, as share gives one", 2) end
  if name ~= nil and type(name) ~= "string" then error("accept: a name expected", 2) end
  return accepting(node, line, name)
end

---A capability for others, as one line of text, which is a secret: who has it reads one object and its later versions; or all objects,
---without a key; with `write`, also makes and deletes them. reader: for whom it is, under a name by which `readers` lists him.
---@param key? string
---@param given? {write?: boolean, reader?: string}
---@return string?, filo.Error?
function Node:share(key, given)
  local node = open(self)
  given = setup.check_share_options(given)
  if given.write and key ~= nil then error("share: who may write a namespace may write all of it: leave out the key", 2) end
  local ok, err = true, nil
  if key ~= nil then ok, err = keys.check_key(key, 2) end
  if not ok then return nil, err end
  return sharing(node, key, given)
end

---Changes the keys of the namespace: what is written from now on, and all that was, has records that open with new ones, which who was
---given access before has not. He keeps what he has read, and the content keys of the versions that he could read. No content is
---sealed or sent again. Waits until all that is here, and at connected peers, has new records; with `wait = false` that goes on in the
---background, as it does in any case after a restart, and for peers that come later.
---@param given? {wait?: boolean}
---@return filo.Rotation?, filo.Error?
function Node:rotate(given)
  local node = open(self)
  given = setup.check_rotate_options("rotate", given)
  return node.rotating:rotate(given.wait)
end

---Who was given what of the namespace, where `share` was told for whom it is: by their names.
---@return filo.Reader[]?, filo.Error?
function Node:readers()
  local node = open(self)
  return readers.list(node)
end

---Changes the keys, so that one reader reads nothing that comes, takes him off the list, and makes new capabilities for the others, each of
---whom must accept his again to read on. "denied": he was given the keys to write, which makes all later ones.
---@param name string
---@param given? {wait?: boolean}  as for `rotate`
---@return filo.Forgotten?, filo.Error?
function Node:forget_reader(name, given)
  local node = open(self)
  if type(name) ~= "string" then error("forget_reader: a name expected", 2) end
  given = setup.check_rotate_options("forget_reader", given)
  return readers.forget(node, name, given.wait)
end

---With which generation of its keys the namespace is written, and how much is left to get records of it.
---@return filo.Rotation
function Node:rotation()
  local node = open(self)
  return node.rotating:status()
end

---The namespaces that this node has keys to, the one first that its own calls are about.
---@return filo.Namespace[]
function Node:namespaces()
  local node, list = parts_of(self), {}
  for i, space in ipairs(node.spaces.list) do list[i] = node.faces[space.name] end
  return list
end

---What stands for a key at peers.
---@param key string
---@return string?, filo.Error?  32 bytes
function Node:key_hash(key) return parts_of(self).names:hash(key) end

---Where an object lies below its namespace's folder.
---@param key_hash string
---@return string?, filo.Error?
function Node:path_of(key_hash) return parts_of(self).names:path(key_hash) end

---Starts a task of the node, which lasts until it ends or the node closes, whoever starts it: a hook and what answers a request, too.
---When the node is closed already it is cancelled at its first wait.
---@param fn function
---@param ... any  its arguments
---@return filo.Task
function Node:spawn(fn, ...)
  local node = parts_of(self)
  if type(fn) ~= "function" then error("spawn: a function expected", 2) end
  return node.tasks:spawn(fn, ...)
end

-- Objects ---------------------------------------------------------------------------------------------------------------

---@class filo.StoreOptions
---@field fields? table  the user's own, kept sealed
---@field etag? string  what stands for the content: 1 to 64 visible ASCII characters without '"', kept sealed
---@field describe? fun(): table?, any  called once all content was read: gives fields and etag in the place of these, or nil and an error
---@field expected? integer|false  it is stored only if that is the newest version that is known; false: if there is none; else "exists"
---@field class? integer  0 to 255, which every holder sees; when left out, that of the version before, or 0
---@field encrypt? boolean  false: public data is stored as it is
---@field to? filo.Peer|string|(filo.Peer|string)[]  connected peers, or their IDs, that get a copy, and no others, whatever the policy says

---Stores content under a key: sealed and published here, then copied to peers as the policy says.
---@param key string?  1 to 4096 bytes; nil: the SHA-256 of the content, in hex
---@param content string|function|filo.File|file*|filo.Object|filo.Object[]|filo.http.Body  bytes; a function that gives these, or objects,
---  one after the other, and then nil; filo.file(path); an open file; an object, or several; the body of a request
---@param given? filo.StoreOptions
---@return filo.Receipt?, filo.Error?
function Node:store(key, content, given)
  local node = open(self)
  given = setup.check_store_options(given)
  local ok, err = pcall(node.host.encode, given.fields)
  if not ok then error("store: option 'fields': " .. tostring(err), 2) end
  given.describe = setup.checked_describe(node.host, given.describe)
  if not source.is_content(content) then error("store: " .. source.EXPECTED .. ", not a " .. type(content), 2) end
  if key ~= nil then ok, err = keys.check_key(key, 2) end
  if not ok then return nil, err end
  given.to, err = named.peers(node, "store", given.to)
  if err then return nil, err end
  return node.storing:store(key, content, given)
end

---Makes a new version of an object that is here, with the same content and other fields, or another class. Peers that have the content
---need only be told so: it is not sent again.
---@param key string
---@param given {fields?: table, class?: integer, expected?: integer}  as for `store`; what is left out stays
---@return filo.Receipt?, filo.Error?
function Node:amend(key, given)
  local node, name, err = open_for(self, key)
  given = setup.check_amend_options(given)
  local ok, problem = pcall(node.host.encode, given.fields)
  if not ok then error("amend: option 'fields': " .. tostring(problem), 2) end
  if not name then return nil, err end
  return node.storing:amend(name, given)
end

---Opens an object for reading: the copy here, or one that is fetched from peers, from several at once. A fetched copy is kept here;
---reading may start before its last byte has come. newest: peers are asked although a copy is here, and the newest of all counts. quorum:
---the same, and so many nodes, this one among them, must have told what they have; else nil and "unreachable". from: a connected peer, or
---its node ID, that alone is asked, although a copy is here; what it has is kept here only if that is newer.
---version: that one, which may be an old one that is kept (see `versions`), here or at a connected peer; it does not come to lie here.
---@param key string
---@param given? {newest?: boolean, quorum?: integer, from?: filo.Peer|string, version?: integer}
---@return filo.Object?, filo.Error?
function Node:get(key, given)
  local node, name, err = open_for(self, key)
  given = setup.check_get_options(given)
  if not name then return nil, err end
  local reach
  reach, err = named.reach(node, "get", given)
  if not reach then return nil, err end
  return node.getting:open(name, reach)
end

---The versions of an object that others have taken the place of, and that are kept, here or at connected peers: as many at each as the
---policy says by `keep_versions`. The newest first.
---@param key string
---@return filo.KeptVersion[]?, filo.Error?
function Node:versions(key)
  local node, name, err = open_for(self, key)
  if not name then return nil, err end
  return node.getting:versions(name, node.id)
end

---Makes the copies that the policy asks for by now, of what is stored here. A peer that holds one already counts, and one that holds a
---part of it is sent the rest. For what was stored when peers were away. "exists": a peer has a newer version, or knows of a deletion, so
---that what is here is old, as on a root that was restored from a backup.
---@param key string
---@param given? {to?: filo.Peer|string|(filo.Peer|string)[]}  as for `store`
---@return filo.Receipt?, filo.Error?
function Node:replicate(key, given)
  local node, name, err = open_for(self, key)
  given = setup.check_replicate_options(given)
  if not name then return nil, err end
  local to
  to, err = named.peers(node, "replicate", given.to)
  if err then return nil, err end
  return node.storing:replicate(name, to)
end

---Makes sure that a whole copy is here, and gives what `stat` does. For what is to be read later, when no peer may be there. newest, quorum
---and from: as for `get`; what `from` has is fetched only if it is newer than what is here. to: an open file, empty and for reading and
---writing, that peers' newest version is written to, with no copy kept here: for what the root has no room for.
---version: as for `get`, with `to` only.
---@param key string
---@param given? {newest?: boolean, quorum?: integer, from?: filo.Peer|string, version?: integer, to?: file*}
---@return table?, filo.Error?
function Node:fetch(key, given)
  local node, name, err = open_for(self, key)
  given = setup.check_fetch_options(given)
  if not name then return nil, err end
  local reach
  reach, err = named.reach(node, "fetch", given)
  if not reach then return nil, err end
  if given.to then return node.getting:write(name, given.to, reach) end
  return node.getting:fetch(name, reach)
end

---What is known of an object without its content: key, size, version, modified, fields, class, encrypted, etag, from: "here", "peers" (a
---connected one has it), or "listed" (peers have listed it, none of which has it now and is connected: without fields).
---@param key string
---@return table?, filo.Error?
function Node:stat(key)
  local node, name, err = open_for(self, key)
  if not name then return nil, err end
  return node.getting:stat(name)
end

---Whether there is such an object, here or at a connected peer.
---@param key string
---@return boolean
function Node:has(key)
  local node, name = open_for(self, key)
  local item = name and node.getting:stat(name)
  return item ~= nil and item.from ~= "listed"
end

---The objects whose key starts with prefix, in the order of their keys, for a `for` loop: as `stat` gives them, and `here`. Each file is
---opened for that; `keys` opens none. Of what is not here, there are no fields.
---@param prefix? string
---@param on_corrupt? fun(path: string)  told of each file that should be an object and is none any more, whatever its key was
---@return fun(): table?
function Node:list(prefix, on_corrupt)
  local node = open(self)
  if prefix ~= nil and type(prefix) ~= "string" then error("list: a prefix must be a string", 2) end
  if on_corrupt ~= nil and type(on_corrupt) ~= "function" then error("list: a function expected", 2) end
  return node.listing:items(prefix or "", on_corrupt)
end

---What is known of the objects whose key starts with prefix without opening files, in the order of their keys, for a `for` loop, each in
---its newest version: `key`, `size`, `version`, `modified`, `class`, `encrypted`, `here` (false: it lies at peers only, as they
---have listed), `verified`, `etag`, and of a conflict copy `conflict` (the key of what it was kept beside).
---@param prefix? string
---@param on_corrupt? fun(path: string)  told of each file that is known to be no object any more, whatever its key was
---@param after? string  only those whose key comes after this one
---@return fun(): filo.KeyItem?
function Node:keys(prefix, on_corrupt, after)
  local node = open(self)
  if prefix ~= nil and type(prefix) ~= "string" then error("keys: a prefix must be a string", 2) end
  if on_corrupt ~= nil and type(on_corrupt) ~= "function" then error("keys: a function expected", 2) end
  if after ~= nil and type(after) ~= "string" then error("keys: a key must be a string", 2) end
  return node.listing:keys(prefix or "", on_corrupt, after)
end

---What is kept here of each owner: this node first, if it has stored anything, the others in the order of their IDs. Or of what each member
---has brought; or all that is kept for others, as the only entry.
---@param by? "owner"|"member"|"total"  "owner" when left out
---@return filo.Usage[]
function Node:usage(by)
  local node = open(self)
  if by ~= nil and by ~= "owner" and by ~= "member" and by ~= "total" then error("usage: 'owner', 'member' or 'total' expected", 2) end
  return node.listing:usage(by or "owner")
end

---What a peer holds of this node's objects, as it says, for a `for` loop: plain tables, in no order that means anything. Deletions are
---among them. It is asked for some at a time; what is there all the while is given once. Each record is verified, the content is not. A
---failure is raised: "unreachable", "unsupported" (it runs an older Filo) ...
---@param peer filo.Peer|string  a peer or its node ID
---@return fun(): filo.CopyThere?
function Node:held_by(peer)
  local node = open(self)
  local connected, err = named.peer(node, "held_by", peer)
  if not connected then error(err, 0) end
  return node.listing:held_by(connected.id)
end

---The copies that are kept here for other identities, or for one, in no order, for a `for` loop: plain tables. Deletions are among them.
---@param owner? string  namespace of who stored them, 64 hex digits
---@return fun(): filo.HeldCopy?
function Node:held(owner)
  local node = open(self)
  setup.check_owner("held", owner)
  return node.listing:held(owner)
end

---Removes a copy that is held here for another identity: this version, or an older one that lies here by now. A newer one stays, and so
---does a deletion, which keeps old copies from counting again ("exists"). This node's own objects are for `evict` and `delete`.
---@param copy filo.HeldCopy  as `held` gives it
---@return true?, filo.Error?
function Node:drop(copy)
  local node = open(self)
  setup.check_copy("drop", copy)
  return node.holding:drop(copy)
end

---Sends a copy that is held here for another identity to a peer, as it is: sealed. The peer takes it or not, as any that is offered. True
---once it is published there, or was there already. "exists": the peer has a newer version, or knows of a deletion; "not_found": that
---version is not here any more. This node's own objects are for `replicate`.
---@param copy filo.HeldCopy  as `held` gives it
---@param peer filo.Peer|string  a peer or its node ID
---@return true?, filo.Error?
function Node:pass(copy, peer)
  local node = open(self)
  setup.check_copy("pass", copy)
  local connected, err = named.peer(node, "pass", peer)
  if not connected then return nil, err end
  return node.holding:pass(copy, connected)
end

---Deletes an object everywhere: a signed tombstone takes its place here and at every peer, and a node that was away cannot
---bring it back.
---@param key string
---@param given? {expected?: integer}  only if that is the newest version that is known; else "exists", and which one is
---@return filo.Receipt?, filo.Error?
function Node:delete(key, given)
  local node, name, err = open_for(self, key)
  given = setup.check_delete_options(given)
  if not name then return nil, err end
  return node.deleting:delete(name, given.expected)
end

---Removes this node's own copy only, to free its space; the object stays at the peers. First a connected peer reads all of its copy and
---checks it, which takes as long as its disk does. When none has a good one, the copy here stays, too: then nil and "not_enough_copies".
---@param key string
---@return true?, filo.Error?
function Node:evict(key)
  local node, name, err = open_for(self, key)
  if not name then return nil, err end
  return node.deleting:evict(name)
end

---Has a peer remove its copy of an object; the others stay. First another copy is read, all of it, and found good: the one here, or a
---peer's, which is no older. When there is none, the peer keeps its copy: then nil and "not_enough_copies". Where the policy still asks for
---a copy there, `replicate` makes it again.
---@param key string
---@param peer filo.Peer|string  a peer or its node ID
---@return true?, filo.Error?
function Node:withdraw(key, peer)
  local node, name, err = open_for(self, key)
  local connected, problem = named.peer(node, "withdraw", peer)
  if not name then return nil, err end
  if not connected then return nil, problem end
  return node.deleting:withdraw(name, connected)
end

---Brings back an object from the trash, where copies lie for a while that this node has dropped, and with the option
---`trash = { deletes = true }` what was deleted here. What was dropped is in its place again, unless there is something newer; what was
---deleted becomes a new version, above its deletion. Gives a receipt. With a copy that was held for another, as `trash` gives it: true,
---once it is here again.
---@param key string|filo.Trashed
---@return filo.Receipt|true|nil, filo.Error?
function Node:undelete(key)
  local node = open(self)
  setup.check_trashed("undelete", key)
  if type(key) == "table" and not key.key then return node.undeleting:restore(key) end
  local name, err
  node, name, err = open_for(self, type(key) == "table" and key.key or key)
  if not name then return nil, err end
  return node.undeleting:undelete(name)
end

---What lies in the trash, in no order that means anything, for a `for` loop: plain tables.
---@return fun(): filo.Trashed?
function Node:trash()
  local node = open(self)
  return node.listing:trash()
end

---Empties the trash: its room is free at once. What is being brought back stays.
---@return true?, filo.Error?
function Node:empty_trash()
  local node = open(self)
  return node.disk:sweep_old(0)
end

---Checks the copy here against its hashes, chunk by chunk. A bad one is set aside.
---@param key string
---@return true?, filo.Error?
function Node:verify(key)
  local node, name, err = open_for(self, key)
  if not name then return nil, err end
  local fields, ok
  fields, err = node.names:stat(name)
  if fields and fields.tombstone then return keys.deleted(key) end
  if not fields and err.code == "not_found" then return nil, err end
  if fields or err.code == "corrupt" then ok, err = node.verifier:check(node.namespace, name.path) end
  if ok then return true end
  return nil, errors.wrap(err, ("the copy of '%s' here is not good"):format(key), { key = key })
end

---Reads all copies that lie here and hashes them again, those for others and deletions too, as fast as it can, and heals what is bad:
---fetches it from peers. Waits for that. What could not be healed is tried again later. When the caller is cancelled, it goes on at its
---usual pace.
---@return filo.ScrubReport
function Node:scrub()
  local node = open(self)
  if node.options.readonly then error("scrub: a node with the option readonly changes nothing", 2) end
  return node.scrub:ask()
end

---Every copy of an object: what this node has, and what each connected peer says that it has. This one comes first.
---@param key string
---@return filo.Copy[]?, filo.Error?
function Node:copies(key)
  local node, name, err = open_for(self, key)
  if not name then return nil, err end
  return node.survey:copies(name)
end

---What the policy asks for by now, beside the copies that there are: `quorum`, `copies` (IDs of who holds the newest version), `enough`,
---`make` (IDs of peers that should get one), `may_drop` (the copy here is not the last that is known of), `why`; and what `copies` gives,
---with what the policy has to do with those that are missing.
---@param key string
---@return filo.Plan?, filo.Copy[]|filo.Error
function Node:placement(key)
  local node, name, err = open_for(self, key)
  if not name then return nil, err end
  local item
  item, err = node.getting:stat(name)
  if not item then return nil, err end
  local info = {
    key = key, key_hash = name.hash, namespace = node.namespace, version = item.version, size = item.size, class = item.class,
    fields = item.fields or {},
  }
  local copies = node.survey:copies(name)
  local plan
  plan, err = node.plan(info, copies)
  if not plan then return nil, err end
  plan.why = placement.explain(plan)
  placement.annotate(plan, copies, node.candidates:here())
  return plan, copies
end

---Makes copies that are missing, and drops those here that are too many, now and whoever else may: of all that lies here, for others, too;
---or of the objects whose names start with a prefix. A node does so by itself, but not just after its start, nor while many members are
---away.
---@param given? {prefix?: string, dry_run?: boolean}  dry_run: only tells what is missing
---@return filo.RepairReport
function Node:repair(given)
  local node = open(self)
  given = setup.check_repair_options(given)
  if not node.repair then error("repair: a node with the option readonly has no peers to send copies to", 2) end
  local how = { dry = given.dry_run, at_once = true }
  if not given.prefix then return node.repair:look_after_all(how) end
  return node.repair:look_after_some(node.catalogue:list(given.prefix), how)
end

---What is on its way right now.
---@return filo.Activity[]
function Node:activity()
  local node = open(self)
  return node.activities:list()
end

-- Peers -----------------------------------------------------------------------------------------------------------------

---The connected peers, in the order of their IDs.
---@return filo.Peer[]
function Node:peers()
  local node = open(self)
  return node.peer_list:faces()
end

---All members of this node's cluster but itself, connected or not, in the order of their IDs. Who was let in once is one until it is
---forgotten.
---@return filo.Member[]
function Node:members()
  local node = open(self)
  return node.peer_list.members:list()
end

---What would move, were each object that lies here at the members that the policy would choose by now, or another policy: a copy that was
---made somewhere stays there by itself. Asks all connected members what they have. Nothing is changed.
---@param policy? filo.Policy
---@return filo.MovePlan
function Node:plan(policy)
  local node = open(self)
  if not node.moves then error("plan: a node with the option readonly has no peers to ask", 2) end
  return node.moves:plan(setup.check_policy(node.host, policy))
end

---Moves copies as a plan says, which `plan` has given and which is still the same; goes on after a restart. Each is made before another
---goes. What is under way is paused, continued and taken back by options in the place of the ID.
---@param what string|{pause?: boolean, continue?: boolean, revert?: boolean}
---@return filo.Applied?, filo.Error?  "invalid": the members, or the policy, have changed since the plan; "exists": another is under way
function Node:apply(what)
  local node = open(self)
  if not node.applying then error("apply: a node with the option readonly has no peers to send copies to", 2) end
  local change = setup.check_apply(what)
  local state, err
  if change then state, err = node.applying:change(change) else state, err = node.applying:begin(what) end
  if not state then return nil, err end
  return node.applying:status()
end

---How far a plan is applied that `apply` has begun, or how it has ended.
---@return filo.Applied?  nil: none was
function Node:applied()
  local node = open(self)
  return node.applying and node.applying:status()
end

---Removes a member for good, at this node and at all that obey a namespace which it writes: those that write it, too, and those that have
---it among their `operators`. It is let in nowhere there any more. With `undo`, it is let in again.
---@param name string  its name, or the start of its ID, 4 digits at least; the whole ID of one that is not known here
---@param given? {undo?: boolean}
---@return filo.Member?, filo.Error?  "invalid": several members have that name; "denied": this node does not write its namespace
function Node:forget(name, given)
  local node = open(self)
  if type(name) ~= "string" then error("forget: the name of a member expected, or the start of its ID", 2) end
  return membership.forget(node, name, setup.check_decision_options("forget", given).undo)
end

---Has a member emptied, where `forget` would count: it is given nothing more, others get copies of what it has, and it drops its own once
---they have proved theirs. `left` of a member tells how far that is; at 0 it may be switched off. With `undo`, it is one like all others.
---@param name string  its name, or the start of its ID; this node itself, too
---@param given? {undo?: boolean}
---@return filo.Member?, filo.Error?  as of `forget`
function Node:drain(name, given)
  local node = open(self)
  if type(name) ~= "string" then error("drain: the name of a member expected, or the start of its ID", 2) end
  return membership.drain(node, name, setup.check_decision_options("drain", given).undo)
end

---Connects to a node, once; `bootstrap` addresses are redialled, this one is not.
---@param address string|{address: string, id: string}  "host:port", and the ID of the node that must be there
---@return filo.Peer?, filo.Error?
function Node:connect(address)
  local node = open(self)
  local target = setup.check_target("connect", address)
  local peer, err = node.peer_list:connect(target)
  return peer and peer.face, err
end

---Answers requests of a topic from peers: fn(body, peer) gives the answer, or nil, err. Filo's own topics cannot be taken.
---@param topic string
---@param fn fun(body: any, peer: filo.Peer): any, filo.Error?
function Node:handle(topic, fn)
  local node = open(self)
  setup.check_topic(topic)
  if fn ~= nil and type(fn) ~= "function" then error("handle: a function expected", 2) end
  node.peer_list:handle(topic, fn and function(body, peer) return fn(body, peer.face) end)
end

---Asks a peer and waits for the answer.
---@param peer filo.Peer|string  a peer or its node ID
---@param topic string
---@param body any  nil, boolean, number, string, or a table of these
---@param seconds? number  deadline, 30 by default
---@return any, filo.Error?
function Node:request(peer, topic, body, seconds)
  local node = open(self)
  setup.check_topic(topic)
  setup.check_seconds("request", seconds)
  setup.check_body(node.host, "request", body)
  local connected, err = named.peer(node, "request", peer)
  connected = connected or node.peer_list:behind(peer) -- which says why it has gone
  if not connected then return nil, err end
  return connected:request(topic, body, seconds)
end

---Handles streams of a topic that peers open: fn(stream, body, peer) runs as a task of the node, which is cancelled when the peer goes. Its
---end ends what it writes, and the stream with it; when it fails, or gives nil and an error, the stream is cut, and the other side is told
---the error's code. nil: they are handled no longer. Filo's own topics cannot be taken.
---@param topic string
---@param fn? fun(stream: filo.Stream, body: any, peer: filo.Peer): any, filo.Error?
function Node:handle_stream(topic, fn)
  local node = open(self)
  setup.check_topic(topic)
  if fn ~= nil and type(fn) ~= "function" then error("handle_stream: a function expected", 2) end
  node.peer_list.streams:handle(topic, fn)
end

---Opens a stream to what handles its topic at a peer, once that has taken it: for more than the 1 MiB of a request, or for both sides to
---write at once. May be a `<close>` variable. "not_found": nothing there handles that topic; "busy": too many are open there.
---@param peer filo.Peer|string  a peer or its node ID
---@param topic string
---@param body? any  nil, boolean, number, string, or a table of these
---@param seconds? number  deadline, 30 by default
---@return filo.Stream?, filo.Error?
function Node:open_stream(peer, topic, body, seconds)
  local node = open(self)
  setup.check_topic(topic)
  setup.check_seconds("open_stream", seconds)
  setup.check_body(node.host, "open_stream", body)
  local connected, err = named.peer(node, "open_stream", peer)
  connected = connected or node.peer_list:behind(peer) -- which says why it has gone
  if not connected then return nil, err end
  return connected:open_stream(topic, body, seconds)
end

---Asks all connected peers at once. Gives a table from node ID to {answer = any, error = err or nil}.
---@param topic string
---@param body any
---@param seconds? number
---@return table<string, {answer: any, error: filo.Error?}>
function Node:broadcast(topic, body, seconds)
  local node = open(self)
  setup.check_topic(topic)
  setup.check_seconds("broadcast", seconds)
  setup.check_body(node.host, "broadcast", body)
  local results, tasks = {}, {}
  for i, peer in ipairs(node.peer_list:list()) do
    tasks[i] = node.host.spawn_child(function()
      local answer, err = peer:request(topic, body, seconds)
      results[peer.id] = { answer = answer, error = err }
    end)
  end
  for _, each in ipairs(tasks) do each:join() end
  return results
end

---Calls fn when something happens; hooks named before_... may return false and a reason to refuse it. Returns a function that
---removes the hook. Names: before_store, stored, copied, before_accept, accepted, before_delete, deleted, peer_up, peer_down,
---missing, repaired, dropped, member_away, member_back, corrupt, conflict, quota, scrubbed.
---@param name string
---@param fn function
---@param priority? number  higher is called earlier; 0 by default
---@return function
function Node:on(name, fn, priority)
  local node = open(self)
  if type(fn) ~= "function" then error("on: a function expected", 2) end
  if priority ~= nil and type(priority) ~= "number" then error("on: a priority must be a number", 2) end
  local remove = node.hooks:add(name, fn, priority) -- no tail call: an error there is at the line of our caller
  return remove
end

---Takes other options while it runs, in place of those that it was made with: `about`, `admit`, `bootstrap`, `cluster`, `encrypt`,
---`operators`, `peers`, `policy`, `quota`, `rates`, `scrub` and `trash`. Peers that would not be let in any more are dropped, all others
---stay. All or nothing: when an option is wrong, that is an error and nothing changes.
---@param options table  as for `filo.node`, all of them
---@return string[]  the names of those that differ and wait for a restart
function Node:configure(options)
  local node = open(self)
  local checked = setup.check_node_options(node.host, options, 3)
  local later
  node.options, later = configuring.merge(node.options, checked)
  node.policy, node.about = node.options.policy, node.options.about
  node.rates:use(node.options.rates)
  node.wishes:tell()
  node.kept:obey()
  node.trash:obey()
  if node.repair then node.repair.due:all_in(node.host.limits.repair_settle) end
  node.peer_list:use_admission(peer_settings.admission(node.options))
  node.peer_list.members.gossip:compare_all()
  node.peer_list.bootstrap:set(node.options.bootstrap)
  return later
end

---Waits until every bootstrap address, and every member that was known at the start, was tried once, whether it could be reached or not. A
---script that stores something as soon as it starts calls this first, so that there are peers to hold copies. With a count, waits instead
---until so many peers are connected, whoever has dialled.
---@param seconds? number  at most that long; 10 by default
---@param count? integer
---@return integer  peers that are connected: fewer than count when they did not come in time
function Node:ready(seconds, count)
  local node = open(self)
  setup.check_seconds("ready", seconds)
  if count ~= nil and (math.type(count) ~= "integer" or count < 0) then error("ready: a number of peers expected, 0 or more", 2) end
  if count then node.peer_list:wait_count(count, seconds or 10) else node.peer_list:wait_tried(seconds or 10) end
  return node.peer_list:count()
end

---What room the root has, in bytes, as policies see it: free, beyond the reserve and what copies on their way in will take; total, of the
---whole disk.
---@return {free: integer, total: integer}?, filo.Error?
function Node:space()
  local node = open(self)
  local free, total = node.disk:space()
  if not free then return nil, total end
  return { free = free, total = total }
end

---Waits until the node is closed: the last line of a script that only serves.
function Node:wait() parts_of(self).ended:wait() end

---Ends all connections and tasks, and gives the root free. Idempotent; also done by `local node <close>`. Takes no longer than the
---limits allow, whatever a task does; is not left half-way when the task that calls it is cancelled or cannot wait. When another task
---closes it already, waits for that.
function Node:close()
  local node = parts_of(self)
  if node.closed then
    local ok, err = pcall(node.ended.wait, node.ended)
    if not ok and errors.is_cancelled(err) then error(err, 0) end
    return
  end
  close(node)
end

Node.__close = Node.close

function Node:__tostring() return ("node %s at %s"):format(self.id:sub(1, 16), self.address or "no address") end

namespace.take_calls(Node)

-- Making ----------------------------------------------------------------------------------------------------------------

---Makes a node from options (see lua/README.md) and starts it. A failure of the world gives nil, err.
---@param host filo.Host
---@param given table
---@return filo.Node?, filo.Error?
return function(host, given)
  local options = setup.check_node_options(host, given, 3)
  local parts, err = setup.open(host, options)
  if not parts then return nil, err end
  parts.options, parts.policy, parts.about, parts.closed = options, options.policy, options.about, false
  make(parts)
  if parts.listener then parts.peer_list:listen(parts.listener) end
  parts.peer_list.bootstrap:set(options.bootstrap)
  local node = inside.keep(setmetatable({}, Node), parts)
  host.opened(node, function() return not parts.closed end)
  return node
end
