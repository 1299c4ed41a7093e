---Copies on their way in.

local filo = require "filo"
local inside = require "filo.base.inside"
local limits = require "spec.support.limits"
local nodes = require "spec.support.nodes"
local simulated = require "spec.support.simulated"
local small_disk = require "spec.support.disk"
local strangers = require "spec.support.stranger"

-- One offer of a peer could reserve all that was free on a node's disk, and hold it.
describe("an offer", function()
  it("may take half of what is free, together with others of that peer", function()
    local disk <close> = small_disk.mount(32 << 20) or pending(small_disk.WHY_NOT) -- others take and free room on a shared one
    local net <close> = nodes.net()
    local a = net:start("a", { root = disk:file "a" })
    local free = inside.of(a).disk:space()
    local stranger <close> = strangers.meet(a)
    local number = 0
    local function offer(part)
      number = number + 1
      return { record = stranger:record { size = free // 100 * part, key_hash = ("%032d"):format(number) } }
    end
    local code, message = stranger:refusal("offer", offer(60))
    assert.equal("no_space", code)
    assert.matches("half of what is free", message)
    assert.equal(0, stranger:ask("offer", offer(30)).want)
    assert.equal("no_space", (stranger:refusal("offer", offer(30))))
    assert.equal(0, stranger:ask("offer", offer(5)).want)
    local other <close> = strangers.meet(a)
    assert.equal(0, other:ask("offer", { record = other:record { size = free // 100 * 30 } }).want)
  end)

  it("that is not followed by bytes is forgotten, at once when the peer has gone", function()
    local disk <close> = small_disk.mount(32 << 20) or pending(small_disk.WHY_NOT) -- others take and free room on a shared one
    local net <close> = nodes.net()
    local a = net:start("a", { root = disk:file "a" })
    local free = inside.of(a).disk:space()
    local identity
    for _ = 1, 3 do
      local stranger <close> = strangers.meet(a, { identity = identity })
      identity = stranger.identity
      local record = stranger:record { size = free // 100 * 40 }
      nodes.wait(function() return #inside.of(a).landings.list == 0 end, "end of the last")
      assert.equal(0, stranger:ask("offer", { record = record }).want)
    end
  end)
end)

-- What a peer was told when its copy could not be kept named folders of this machine.
describe("a node that cannot keep a copy", function()
  it("tells the kind of failure and no path; its own log has all", function()
    local net <close> = nodes.net()
    local a = net:start("a", { reserve = 1 << 60 })
    local stranger <close> = strangers.meet(a)
    for _, case in ipairs {
      { "store", { record = stranger:record { size = 10 }, body = ("x"):rep(42) } },
      { "offer", { record = stranger:record { size = 10 } } },
      { "store", { record = ("x"):rep(300), body = "" } },
    } do
      local _, message = stranger:refusal(case[1], case[2])
      assert.is_nil(message:find(net.folder.path, 1, true))
      assert.is_nil(message:find("/", 1, true))
    end
    assert.equal("no_space", (stranger:refusal("offer", { record = stranger:record { size = 10 } })))
  end)

  it("says so when a folder cannot be written", function()
    local net <close> = nodes.net()
    local a, b = net:cluster(2)
    assert(os.execute(("rm -rf %s/tmp && touch %s/tmp"):format(b.root, b.root)))
    local receipt, err = a:store("key", "content")
    assert.is_nil(receipt)
    assert.equal("not_enough_copies", err.code)
    assert.is_nil(tostring(err):find(b.root, 1, true))
    assert.is_truthy(net:logged("b warning: a peer's copy could not be kept: .*" .. b.root))
  end)
end)

-- Each large copy that came left a task behind in a list of the peer's, for as long as the connection lasted.
describe("a copy that has come", function()
  it("leaves nothing behind", simulated(function(net, host)
    local a, b = net:cluster(2)
    for i = 1, 5 do assert(a:store("key " .. i, nodes.bytes(100000, i))) end
    host.sleep(2 * host.limits.offer)
    assert.equal(0, #inside.of(b:peers()[1]).ended.line)
  end))
end)

-- A few peers that sent next to nothing held all slots for copies on their way in, so that nobody else could store here.

local SIZE = (2 << 20) + 5

---Offers so many copies; with `fill`, asks for each to be taken. Gives the numbers of these requests.
local function hold(stranger, count, fill)
  local numbers = {}
  for i = 1, count do
    local record = stranger:record { size = SIZE, key_hash = ("%032d"):format(i) }
    assert.equal(0, assert(stranger:ask("offer", { record = record })).want)
    numbers[i] = fill and stranger:request("fill", { record = record, stream = 2 * i - 1, hashes = true, first = 0 })
  end
  return numbers
end

describe("slots for copies on their way in", function()
  it("are given up by who holds most of them to who has none", function()
    local _ <close> = limits { landings = 4, landings_of_peer = 2 }
    for _, fill in ipairs { true, false } do
      local net <close> = nodes.net()
      local a = net:start("a", { tls = false })
      local one <close> = strangers.meet(a, { tls = false })
      local two <close> = strangers.meet(a, { tls = false })
      local fills = { hold(one, 2, fill), hold(two, 2, fill) }
      local b = net:start("b", { tls = false })
      assert(b:connect(a.address))
      assert.same({ b.id, a.id }, assert(b:store("key", nodes.bytes(SIZE))).copies)
      if fill then
        local body, err
        nodes.wait(function()
          assert(one:ask("ping", {}))
          assert(two:ask("ping", {}))
          for i, each in ipairs { one, two } do
            for _, number in ipairs(fills[i]) do
              if each.replies[number] then body, err = each:reply(number) end
            end
          end
          return err
        end, "slot given up")
        assert.is_nil(body)
        assert.equal("busy", err.code)
        assert.matches("others wait for the slot: offer it again", err.message)
      end
    end
  end)

  it("are kept against a peer that has as many, or one fewer", function()
    local _ <close> = limits { landings = 3, landings_of_peer = 2 }
    local net <close> = nodes.net()
    local a = net:start("a", { tls = false })
    local one <close> = strangers.meet(a, { tls = false })
    local two <close> = strangers.meet(a, { tls = false })
    hold(one, 2, true)
    hold(two, 1, true)
    assert.equal("busy", (two:refusal("offer", { record = two:record { size = SIZE, key_hash = ("x"):rep(32) } })))
    assert.equal("busy", (one:refusal("offer", { record = one:record { size = SIZE, key_hash = ("x"):rep(32) } })))
  end)

  -- As many identities as there are slots, each with one copy that came byte by byte, held them all for ever.
  it("are given up by the slowest that has had its turn", simulated(function(net, host)
    local to_a = { to = net:start("a").id } -- the others are members, too
    local slow = {}
    for name in ("bcd"):gmatch "." do
      slow[#slow + 1] = net:start(name)
      assert(slow[#slow]:connect(net:machine("a").address))
    end
    local few = net.world.limits
    few.landings, few.landing_turn, few.busy_tries = 3, 3, 1
    for _, node in ipairs(slow) do -- takes 8 s on the simulated lines
      host.spawn_child(node.store, node, "long", nodes.bytes(8 << 20), to_a):observe()
    end
    host.sleep(1)
    local late = net:start "e"
    assert(late:connect(net:machine("a").address))
    local _, early = late:store("early", nodes.bytes(40005), to_a)
    assert.matches("too many copies", early.receipt.refused[1].reason)
    host.sleep(3)
    assert.equal(2, #assert(late:store("key", nodes.bytes(40005), to_a)).copies)
  end))

  it("change hands among peers that store much at once, and all copies are made", simulated(function(net, host)
    local a = net:start "a"
    local tasks, most = {}, 0
    for name in ("bcdef"):gmatch "." do
      local node = net:start(name)
      assert(node:connect(net:machine("a").address))
      for i = 1, 8 do
        table.insert(tasks, function() return #assert(node:store("key " .. i, nodes.bytes(40005, i), { to = a.id })).copies end)
      end
    end
    local offer = inside.of(a).peer_list.requests.handlers.offer
    inside.of(a).peer_list:handle("offer", function(...)
      most = math.max(most, #inside.of(a).landings.list)
      return offer(...)
    end)
    for _, copies in ipairs(filo.all(tasks)) do assert.equal(2, copies) end
    assert.equal(host.limits.landings, most)
  end))
end)

-- Whoever had seen the record of an object could offer it in its owner's place and send it byte by byte: the owner was told that it was
-- on its way already.

describe("an owner's own copy", function()
  it("takes the place of the same copy that somebody else sends", function()
    local net <close> = nodes.net()
    local a, b = net:cluster(2, { tls = false })
    local owner = net:start("c", { tls = false })
    assert(owner:store("key", nodes.bytes(SIZE)))
    local _, record = inside.of(owner).disk:stat(inside.of(owner).namespace, owner:path_of(owner:key_hash "key"))
    for _, fill in ipairs { true, false } do
      local stranger <close> = strangers.meet(fill and a or b, { tls = false })
      assert.equal(0, stranger:ask("offer", { record = record }).want)
      if fill then stranger:request("fill", { record = record, stream = 1, hashes = true, first = 0 }) end
      assert(owner:connect((fill and a or b).address))
      local copies = assert(owner:replicate "key").copies
      assert.equal(fill and 2 or 3, #copies)
    end
  end)

  it("waits while that one is being sent by the owner himself", function()
    local net <close> = nodes.net()
    local a = net:start("a", { tls = false })
    local owner <close> = strangers.meet(a, { tls = false })
    local offer = { record = owner:record { size = SIZE } }
    assert.equal(0, owner:ask("offer", offer).want)
    assert.equal("busy", (owner:refusal("offer", offer)))
  end)
end)

-- Each of a few identities could take half of what the others had left free: together all but nothing.

describe("offers of all peers together", function()
  it("may take three quarters of what is free, and who wants most gives way", function()
    local disk <close> = small_disk.mount(32 << 20) or pending(small_disk.WHY_NOT) -- others take and free room on a shared one
    local net <close> = nodes.net()
    local a = net:start("a", { root = disk:file "a" })
    local free = inside.of(a).disk:space()
    local function offer(stranger, part, key)
      return { record = stranger:record { size = free // 100 * part, key_hash = ("%032d"):format(key) } }
    end
    local one <close> = strangers.meet(a)
    local two <close> = strangers.meet(a)
    local three <close> = strangers.meet(a)
    assert.equal(0, one:ask("offer", offer(one, 45, 1)).want)
    assert.equal(0, two:ask("offer", offer(two, 25, 2)).want)
    assert.equal(0, three:ask("offer", offer(three, 10, 3)).want)
    local held = {}
    for i, landing in ipairs(inside.of(a).landings.list) do held[i] = landing.peer.id end
    assert.same({ two.id, three.id }, held)
  end)

  it("are refused when the room is taken by others of whom none wants more", function()
    local disk <close> = small_disk.mount(32 << 20) or pending(small_disk.WHY_NOT) -- others take and free room on a shared one
    local net <close> = nodes.net()
    local a = net:start("a", { root = disk:file "a" })
    local free = inside.of(a).disk:space()
    local came = {}
    local _ <close> = setmetatable({}, { __close = function()
      for _, each in ipairs(came) do each:close() end
    end })
    for i = 1, 8 do came[i] = strangers.meet(a) end
    local function offer(i, part)
      return { record = came[i]:record { size = free // 100 * part, key_hash = ("%032d"):format(part) } }
    end
    for i = 1, 7 do assert.equal(0, came[i]:ask("offer", offer(i, 10)).want) end
    local code, message = came[8]:refusal("offer", offer(8, 10))
    assert.equal("no_space", code)
    assert.equal(7, #inside.of(a).landings.list)
    assert.equal("others are filling what is free here", message)
    assert.equal(0, came[8]:ask("offer", offer(8, 4)).want)
    assert.equal(8, #inside.of(a).landings.list)
  end)
end)
