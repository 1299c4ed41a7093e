---What a catalogue lists, after much has come and gone in any order, beside a model of a few lines.

local catalogues = require "spec.support.catalogues"
local stores = require "spec.support.stores"
local temp = require "spec.support.temp"

local ME, PEER, LIFE = stores.me:raw_id(), ("p"):rep(32), ("l"):rep(16)
local NAMES, LISTED, MOST_VERSION, STEPS = { "a", "b", "c", "d" }, 10, 2000, 150

---Records that peers may list: even versions, so that none is one that was stored here; every other one is a deletion.
local function make_pool()
  local pool = {}
  for _, name in ipairs(NAMES) do
    for i = 1, LISTED do
      local given = { name = name, version = i * MOST_VERSION // LISTED & ~1, deleted = i % 2 == 0 }
      given.record = catalogues.record(name, given.version, given)
      pool[#pool + 1] = given
    end
  end
  return pool
end

---@class Model  of each name: `here`, what lies here; `row`, the same as the catalogue was told; `elsewhere`; `taken`: versions
local Model = {}
Model.__index = Model

local function is_newer(one, other) return not other or one.version > other.version end

function Model:forget(name)
  local here, elsewhere = self.here[name], self.elsewhere[name]
  if here and elsewhere and not is_newer(elsewhere, here) then self.elsewhere[name] = nil end
end

---An odd version that nothing else has.
function Model:take_version(random)
  local version
  repeat version = 2 * random(MOST_VERSION // 2) - 1 until not self.taken[version]
  self.taken[version] = true
  return version
end

---The catalogue hears of what has changed here.
function Model:tell(name)
  local here, row = self.here[name], self.row[name]
  if not here and row and not row.deleted and is_newer(row, self.elsewhere[name]) then self.elsewhere[name] = row end
  self.row[name] = here
  self:forget(name)
end

---@return boolean deletes  what lies here, which has to take place first
function Model:note(given)
  local here, elsewhere = self.here[given.name], self.elsewhere[given.name]
  if not is_newer(given, here) then return false end
  if given.deleted and here and not here.deleted then return true end
  if is_newer(given, elsewhere) then self.elsewhere[given.name] = given end
  return false
end

function Model:list()
  local words = {}
  for _, name in ipairs(NAMES) do
    local here, elsewhere = self.here[name], self.elsewhere[name]
    local shown = here and not here.deleted and here or nil
    local far = elsewhere and not elsewhere.deleted and elsewhere or nil
    if far and is_newer(far, shown) then words[#words + 1] = ("*%s %d"):format(name, far.version)
    elseif shown then words[#words + 1] = ("%s %d"):format(name, shown.version) end
  end
  return table.concat(words, ", ")
end

local function listed(catalogue)
  local words = {}
  for i, row in ipairs(catalogues.rows(catalogue)) do
    words[i] = ("%s%s %d"):format(row.elsewhere and "*" or "", row.name, row.version)
  end
  return table.concat(words, ", ")
end

---Something happens to what lies here.
local function change(model, disk, random)
  local name = NAMES[random(#NAMES)]
  local here, version = model.here[name], model:take_version(random)
  if random(3) == 1 then
    if here then assert(disk:remove(ME, stores.path(name))) end
    model.here[name] = nil
  elseif is_newer({ version = version }, here) and random(3) == 1 then
    assert(disk:tombstone(stores.me, stores.version(stores.key_hash(name), version, ""), stores.path(name)))
    model.here[name] = { version = version, deleted = true }
  elseif is_newer({ version = version }, here) then
    catalogues.put(disk, name, "content", { version = version })
    model.here[name] = { version = version }
  end
  return name
end

---A peer lists something.
local function list(model, disk, catalogue, given)
  local function note()
    return catalogues.ask(catalogue, "note", ME, PEER, LIFE, 1, { given.record }, { stores.path(given.name) })
  end
  if model:note(given) then
    assert.same({ 1 }, note())
    local partial <close> = assert(disk:partial(stores.path(given.name), given.record, ""))
    assert(partial:publish())
    model.here[given.name] = given
    model:tell(given.name)
  end
  assert.is_true(note())
end

---A random source that is the same for the same seed.
local function new_random(seed)
  local state = seed
  return function(most)
    state = (state * 6364136223846793005 + 1442695040888963407)
    return (state >> 33) % most + 1
  end
end

local function run(pool, seed)
  local folder <close> = temp.folder()
  local random = new_random(seed)
  local model = setmetatable({ here = {}, row = {}, elsewhere = {}, taken = {} }, Model)
  local left = STEPS
  while left > 0 do
    do
      local disk <close> = stores.open(folder, { durability = "group" })
      local catalogue <close> = catalogues.open(disk)
      assert.equal(model:list(), listed(catalogue), "opened, seed " .. seed)
      for _ = 1, random(30) do
        if random(2) == 1 then
          local name = change(model, disk, random)
          listed(catalogue) -- it is told of each change by itself
          model:tell(name)
        else
          list(model, disk, catalogue, pool[random(#pool)])
        end
        assert.equal(model:list(), listed(catalogue), ("%d left, seed %d"):format(left, seed))
        left = left - 1
      end
    end
    if random(2) == 1 then -- it is made anew, and was not told of all
      local disk <close> = stores.open(folder, { durability = "group" })
      for _ = 1, random(5) do change(model, disk, random) end
      assert(disk:wait_idle())
      for _, name in ipairs(NAMES) do model:tell(name) end
    end
  end
end

describe("what a catalogue lists", function()
  it("is what there is, whatever has come and gone", function()
    local pool = make_pool()
    for seed = 1, 6 do run(pool, seed) end
  end)
end)
