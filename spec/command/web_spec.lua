---What `filo serve` tells over HTTP.

local commands = require "spec.support.commands"
local exposition = require "filo.command.web.exposition"
local http = require "spec.support.http"
local new_histogram = require "filo.base.histogram"
local nodes = require "spec.support.nodes"
local process = require "spec.support.process"

local function get(address, path) return http.ask(address, "GET", path) end

---A root whose node tells of itself; gives its process, and where.
local function served(house, name, option)
  house:run(name, "init", "--listen", "127.0.0.1:0")
  house:write(name, "node.lua", ('return { listen = "127.0.0.1:0", http = %s }'):format(option or '"127.0.0.1:0"'))
  local child = house:serve(name)
  return child, child:expect "tells of itself at https?://([%d.:]+)/"
end

---The value of a sample, and of what kind its metric is.
local function figure(text, sample)
  local name = sample:match "^[%w_]+"
  for line in text:gmatch "[^\n]+" do
    if line:sub(1, #sample + 1) == sample .. " " then
      return tonumber(line:sub(#sample + 2)), text:match("# TYPE " .. name:gsub("_bucket$", ""):gsub("_count$", "") .. " (%a+)\n")
    end
  end
end

describe("the option http of node.lua", function()
  it("has the node tell its figures, and whether it is ready", function()
    local house <close> = commands.house()
    local child, address = served(house, "a")
    local alive = get(address, "/healthz")
    assert.same({ 200, "ok\n" }, { alive.status, alive.body })
    nodes.wait(function() return get(address, "/readyz").status == 200 end, "readiness")
    assert.equal("ready\n", get(address, "/readyz").body)
    local answer = get(address, "/metrics")
    local text = answer.body
    assert.same({ 200, "text/plain; version=0.0.4; charset=utf-8" }, { answer.status, answer.headers["content-type"] })
    assert.same({ 0, "gauge" }, { figure(text, 'filo_objects{owner="own"}') })
    assert.same({ 0, "histogram" }, { figure(text, 'filo_operation_duration_seconds_count{operation="store"}') })

    house.folder:write("file", ("x"):rep(1000))
    assert.equal(0, house:within("a", "put", "file").status)
    assert.equal(3, house:within("a", "get", "nothing").status)
    text = get(address, "/metrics").body
    assert.equal(1, (figure(text, 'filo_objects{owner="own"}')))
    assert.equal(1000, (figure(text, 'filo_object_bytes{owner="own"}')))
    assert.equal(0, (figure(text, 'filo_objects{owner="others"}')))
    assert.equal(1, (figure(text, 'filo_operation_duration_seconds_bucket{operation="store",le="+Inf"}')))
    assert.same({ 1, "counter" }, { figure(text, 'filo_operation_failures_total{operation="get"}') })
    assert.equal(1, (figure(text, "filo_catalogue_ready")))
    assert.is_true(figure(text, "process_resident_memory_bytes") > 1 << 20)
    assert.is_true(figure(text, "process_open_fds") < figure(text, "process_max_fds"))
    assert.equal(404, get(address, "/nothing").status)

    child:kill "TERM"
    assert.equal(0, child:wait().status)
  end)

  it("names members, and counts what goes to them", function()
    local house <close> = commands.house()
    local _, address = served(house, "a")
    local token = house:run("a", "invite").out
    assert.equal(0, house:feed(token, "b", "join", "-", "--listen", "127.0.0.1:0", "--name", 'the "second"').status)
    house:serve "b"
    local text, connected
    repeat
      text = get(address, "/metrics").body
      connected = text:match 'filo_member_connected{member="the \\"second\\"",id="(%x+)"} 1\n'
    until connected
    assert.equal(64, #connected)
    assert.is_true(figure(text, 'filo_bytes_total{direction="in"}') > 0)
    assert.is_true(figure(text, 'filo_bytes_total{direction="out"}') > 0)
  end)

  it("is refused when it makes no sense, or nobody can serve there", function()
    local house <close> = commands.house()
    local _, address = served(house, "a")
    house:run("b", "init", "--listen", "127.0.0.1:0")
    for option, told in pairs {
      ["5"] = "node.lua: http must be an address, as \"127.0.0.1:7180\", or { address =, objects = true, tls = { certificate =, key = } }",
      ['{ address = "127.0.0.1:0", tls = true }'] = "http must be an address",
      ['{ address = "127.0.0.1:0", TLS = { certificate = "a", key = "b" } }'] = "http must be an address",
      ['{ address = "127.0.0.1:0", tls = { certificate = "a", key = "b", keys = "c" } }'] = "http must be an address",
      [('"%s"'):format(address)] = "the option http: port %d+ is in use",
      ['{ address = "127.0.0.1:0", tls = { certificate = "/no/such", key = "/no/such" } }'] = "the option http: /no/such cannot be read",
    } do
      house:write("b", "node.lua", ('return { listen = "127.0.0.1:0", http = %s }'):format(option))
      local result = house:run("b", "serve")
      assert.equal(1, result.status)
      assert.matches(told:find "%%d" and told or told:gsub("%p", "%%%0"), result.err)
    end
  end)

  it("waits for a restart where another address is said, and has certificates read again", function()
    local house <close> = commands.house()
    local _, address = served(house, "a")
    house:write("a", "node.lua", 'return { listen = "127.0.0.1:0", http = "127.0.0.1:1" }')
    local result = house:run("a", "reload")
    assert.matches("restart.*http", result.out .. result.err)
    assert.equal(200, get(address, "/healthz").status)
    house:write("a", "node.lua", 'return { listen = "127.0.0.1:0", http = "nowhere" }') -- with that it would not start
    result = house:run("a", "reload")
    assert.equal(1, result.status)
    assert.matches('node.lua: the address "nowhere" has no port', result.err)
    house:write("a", "node.lua", ('return { listen = "127.0.0.1:0", http = "unix:%s" }'):format(house.folder:file "http"))
    assert.equal(0, house:run("a", "reload").status)
  end)

  it("waits for a restart where the certificate is in another file", function()
    local house <close> = commands.house()
    assert.equal(0, process.run {
      program = "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-subj", "/CN=a",
      "-keyout", house.folder:file "key.pem", "-out", house.folder:file "chain.pem",
    }.status)
    local option = '{ address = "127.0.0.1:0", tls = { certificate = %q, key = %q } }'
    served(house, "a", option:format(house.folder:file "chain.pem", house.folder:file "key.pem"))
    local same = house:run("a", "reload")
    assert.same({ "", "" }, { same.out, same.err })
    option = option:format(house.folder:file "other.pem", house.folder:file "key.pem")
    house:write("a", "node.lua", ('return { listen = "127.0.0.1:0", http = %s }'):format(option))
    local result = house:run("a", "reload")
    assert.matches("restart.*http", result.out .. result.err)
  end)
end)

describe("figures for Prometheus", function()
  it("escape what labels have, count up in histograms, and leave out what is not known", function()
    local took = new_histogram()
    for _, seconds in ipairs { 0.00005, 0.0002, 0.0002, 3, 1000 } do took:add(seconds) end
    local text = exposition.text {
      {
        name = "a", kind = "gauge", help = "First.",
        samples = {
          { labels = { { "name", 'x"\\\ny' } }, value = 1.5 }, { value = math.huge }, { value = 1796128262.5 },
        },
      },
      { name = "b", kind = "counter", help = "Second.", samples = {} },
      { name = "c_seconds", kind = "histogram", help = "Third.", samples = { { labels = { { "of", "d" } }, value = took } } },
    }
    assert.matches('^# HELP a First%.\n# TYPE a gauge\na{name="x\\"\\\\\\ny"} 1%.5\na %+Inf\n', text)
    assert.matches("\na 1796128262%.5\n# HELP c_seconds Third%.\n", text)
    assert.equal(1, (figure(text, 'c_seconds_bucket{of="d",le="0.0001"}')))
    assert.equal(3, (figure(text, 'c_seconds_bucket{of="d",le="0.00025"}')))
    assert.equal(3, (figure(text, 'c_seconds_bucket{of="d",le="2.5"}')))
    assert.equal(4, (figure(text, 'c_seconds_bucket{of="d",le="5"}')))
    assert.equal(5, (figure(text, 'c_seconds_bucket{of="d",le="+Inf"}')))
    assert.equal(5, (figure(text, 'c_seconds_count{of="d"}')))
    assert.equal(1003.00045, (figure(text, 'c_seconds_sum{of="d"}')))
    assert.is_nil(text:find("# HELP b", 1, true))
  end)
end)
