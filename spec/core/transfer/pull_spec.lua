---Content that a deposit pulls out of a source, past Lua.

local filo = require "filo"
local http_pair = require "spec.support.http_pair"
local independent = require "spec.support.independent"
local net = require "filo.core.net"
local nodes = require "spec.support.nodes"
local raises = require "spec.support.raises"
local refused = require "spec.support.refused"
local stores = require "spec.support.stores"
local temp = require "spec.support.temp"

local CHUNK = independent.CHUNK

---Calls fn(folder, disk).
local function with_store(fn)
  local folder <close> = temp.folder()
  local disk <close> = stores.open(folder)
  fn(folder, disk)
  nodes.wait(function() return #stores.drafts(folder) == 0 end, "end of drafts")
end

---Changes a byte of the content of what is stored under a key.
local function rot(folder, key, at)
  local file <close> = assert(io.open(folder:file(stores.file(key)), "r+"))
  file:seek("set", at)
  local byte = file:read(1)
  file:seek("set", at)
  file:write(string.char(byte:byte() ~ 1))
end

describe("a deposit", function()
  it("pulls from readers, bodies and sieves, one after the other, and is written to between", function()
    with_store(function(_, disk)
      local one, two = stores.bytes(2 * CHUNK + 5), stores.bytes(70000)
      stores.put(disk, one, { key = "one" })
      stores.put(disk, two, { key = "two" })
      local a <close> = stores.object(disk, "one")
      local b <close> = stores.object(disk, "two")
      for _, digest in ipairs { true, false } do
        local deposit <close> = assert(disk:deposit(nil, false, digest))
        assert(deposit:write "first ")
        assert(deposit:pull(a:reader()))
        assert(deposit:pull(b:reader(10, 10)))
        assert(deposit:pull(b:reader(1, 69999)))
        http_pair.open(function(connection, client)
          http_pair.begin(connection, client, http_pair.request(two) .. http_pair.request("2\r\nhi\r\n0\r\n\r\n", 1))
          assert.equal(two:sub(1, 1), connection:read(1))
          assert(deposit:pull(connection))
          assert(connection:request())
          local sieve <close> = assert(net.sieve(connection, { chunked = true, digests = { "md5" } }))
          assert(deposit:write " between ")
          assert(deposit:pull(sieve))
          assert.equal(16, #sieve:digests().md5)
        end)
        assert(deposit:write " last")
        assert(stores.publish(deposit, { version = digest and 1 or 2 }))
        local expected = "first " .. one .. two:sub(2, 69999) .. two:sub(2) .. " between hi last"
        assert.is_true(stores.get(disk, "key") == expected)
      end
    end)
  end)

  it("of a size that is known is refused where more or less is pulled", function()
    with_store(function(_, disk)
      stores.put(disk, "0123456789", { key = "ten" })
      local object <close> = stores.object(disk, "ten")
      for size, expected in pairs { [19] = false, [20] = true, [21] = false } do
        local deposit <close> = assert(disk:deposit(size, false, false))
        local ok, err = deposit:pull(object:reader())
        if ok then ok, err = deposit:pull(object:reader()) end
        if ok then ok, err = stores.publish(deposit) end
        if expected then assert.equal("01234567890123456789", stores.get(disk, "key")) else refused("invalid", ok, err) end
      end
    end)
  end)

  it("fails with its source, and says so", function()
    with_store(function(folder, disk)
      stores.put(disk, stores.bytes(3 * CHUNK), { key = "bad" })
      rot(folder, "bad", 2 * CHUNK + 10)
      local object <close> = stores.object(disk, "bad")
      local deposit <close> = assert(disk:deposit(nil, false, false))
      local ok, err, is_source = deposit:pull(object:reader())
      refused("corrupt", ok, err)
      assert.is_true(is_source)
      refused("corrupt", deposit:write "more")
      refused("corrupt", deposit:pull(object:reader(0, 10)))
      refused("corrupt", stores.publish(deposit))
    end)
  end)

  it("fails with what does not pass a sieve", function()
    with_store(function(_, disk)
      for code, plan in pairs { invalid = { length = 4 }, unreachable = {} } do
        http_pair.open(function(connection, client)
          http_pair.begin(connection, client, http_pair.request("abc"):sub(1, code == "invalid" and -1 or -2))
          if code == "unreachable" then client:close() end
          local sieve <close> = assert(net.sieve(connection, plan))
          local deposit <close> = assert(disk:deposit(nil, false, false))
          local ok, err, is_source = deposit:pull(sieve)
          refused(code, ok, err)
          assert.is_true(is_source)
          refused(code, stores.publish(deposit))
        end)
      end
    end)
  end)

  it("takes what was left of a sieve that was read from", function()
    with_store(function(_, disk)
      http_pair.open(function(connection, client)
        http_pair.begin(connection, client, http_pair.request "6\r\nabcdef\r\n0\r\n\r\n")
        local sieve <close> = assert(net.sieve(connection, { chunked = true, length = 6, digests = { "crc32c" } }))
        assert.equal("ab", sieve:read(2))
        local deposit <close> = assert(disk:deposit(4, false, false))
        assert(deposit:pull(sieve))
        assert(stores.publish(deposit))
        assert.equal("cdef", stores.get(disk, "key"))
        assert.equal("53bceff1", require "filo.core.crypto".hex(sieve:digests().crc32c))
      end)
    end)
  end)

  it("pulls from one source at a time, until it is closed", function()
    with_store(function(_, disk)
      http_pair.open(function(connection, client)
        http_pair.begin(connection, client, "PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nabc")
        local sieve <close> = assert(net.sieve(connection, {}))
        local deposit <close> = assert(disk:deposit(nil, false, false))
        local task = filo.spawn(deposit.pull, deposit, sieve)
        filo.sleep(0)
        raises("another task waits", deposit.write, deposit, "x")
        raises("something takes its data already", sieve.read, sieve, 1)
        task:cancel()
        assert.is_false(pcall(task.join, task))
        raises("is pulling already", deposit.write, deposit, "x")
        raises("is pulling already", deposit.finish, deposit)
        deposit:close()
        refused("closed", sieve:read(1))
        client:write "def"
        assert.equal("def", connection:read(3))
      end)
    end)
  end)

  it("fails when a sieve that it pulls from is closed", function()
    with_store(function(_, disk)
      http_pair.open(function(connection, client)
        http_pair.begin(connection, client, "PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nabc")
        local sieve <close> = assert(net.sieve(connection, {}))
        local deposit <close> = assert(disk:deposit(nil, false, false))
        local task = filo.spawn(deposit.pull, deposit, sieve)
        filo.sleep(0)
        sieve:close()
        refused("closed", task:join())
      end)
    end)
  end)

  it("pulls from nothing else, nor once it has ended", function()
    with_store(function(_, disk)
      stores.put(disk, "abc", { key = "abc" })
      local object <close> = stores.object(disk, "abc")
      local deposit <close> = assert(disk:deposit(nil, false, false))
      raises("filo.reader expected", deposit.pull, deposit, "abc")
      local reader <close> = assert(object:reader())
      assert(deposit:pull(reader))
      raises("the reader is closed", deposit.pull, deposit, reader)
      assert(deposit:finish())
      raises("finished already", deposit.pull, deposit, object:reader())
    end)
  end)
end)
