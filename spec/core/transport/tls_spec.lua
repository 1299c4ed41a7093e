local crypto = require "filo.core.crypto"
local free_address = require "spec.support.free_address"
local links = require "spec.support.links"
local net = require "filo.core.net"
local process = require "spec.support.process"
local temp = require "spec.support.temp"

---Runs `openssl s_client` against a TLS listener of ours; gives what ready() says here, and what it wrote.
local function client(...)
  local server <close> = links.listen()
  local child <close> = process.start { program = "openssl", "s_client", "-ign_eof", "-connect", server.address, "-alpn", "filo/1", ... }
  local connection <close> = server:accept()
  local ready, err = connection:ready()
  connection:close()
  return ready, err, child:wait().out -- it ends with the connection, having written all
end

---A certificate and its key in a folder, made by openssl.
local function certificate(folder, kind)
  local result = process.run { program = "openssl", "req", "-x509", "-newkey", kind, "-nodes", "-subj", "/CN=x", "-days", "1",
    "-keyout", folder:file "key", "-out", folder:file "certificate" }
  assert.equal(0, result.status, result.err)
  return "-cert", folder:file "certificate", "-key", folder:file "key"
end

local function public_key(folder)
  local result = process.run { program = "openssl", "pkey", "-in", folder:file "key", "-pubout", "-outform", "DER" }
  return result.out:sub(-32)
end

describe("TLS", function()
  it("takes the peer's ID from its certificate, which another program may have made", function()
    local folder <close> = temp.folder()
    local server <close> = links.listen()
    local child <close> = process.start { program = "openssl", "s_client", "-ign_eof", "-connect", server.address, "-alpn", "filo/1",
      certificate(folder, "ed25519") }
    local connection <close> = server:accept()
    assert(connection:ready())
    local id, proven = connection:peer()
    assert.equal(crypto.hex(public_key(folder)), crypto.hex(id))
    assert.is_true(proven)
    child:kill()
    child:wait()
  end)

  it("refuses a certificate of another kind, or none", function()
    local folder <close> = temp.folder()
    for _, kind in ipairs { "rsa:2048", "none" } do
      local ready, err
      if kind == "none" then ready, err = client() else ready, err = client(certificate(folder, kind)) end
      assert.is_nil(ready)
      assert.equal("denied", err.code)
      assert.matches("certificate", err.message)
    end
  end)

  it("refuses TLS 1.2 and another protocol", function()
    local folder <close> = temp.folder()
    local ready, err = client("-tls1_2", certificate(folder, "ed25519"))
    assert.is_nil(ready)
    assert.equal("protocol", err.code)
    assert.matches("protocol", err.message)
    ready, err = client("-alpn", "h2", "-cert", folder:file "certificate", "-key", folder:file "key")
    assert.is_nil(ready)
    assert.equal("protocol", err.code)
  end)

  it("is TLS 1.3, shows an Ed25519 certificate and gives no ticket", function()
    local folder <close> = temp.folder()
    local _, _, out = client(certificate(folder, "ed25519"))
    assert.matches("TLSv1.3", out)
    assert.matches("Peer signature type: ed25519", out, 1, true)
    assert.is_nil(out:find("New Session Ticket", 1, true))
  end)

  it("refuses a server with a certificate of another kind", function()
    local folder <close> = temp.folder()
    certificate(folder, "rsa:2048")
    local address = free_address()
    local child <close> = process.start { program = "openssl", "s_server", "-www", "-accept", address, "-alpn", "filo/1", "-cert",
      folder:file "certificate", "-key", folder:file "key" }
    child:expect "ACCEPT"
    local connection, err = net.dial(address, links.options(links.a))
    assert.is_nil(connection)
    assert.is_truthy(err.code == "protocol" or err.code == "denied", tostring(err))
  end)
end)
