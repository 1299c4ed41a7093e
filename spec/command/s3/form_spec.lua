---Forms with which somebody who has no key uploads what a policy allows that was signed with one.

local filo = require "filo"
local http = require "spec.support.http"
local s3_client = require "spec.support.s3_client"
local s3_server = require "spec.support.s3_server"

local is = s3_client.is

describe("forms of S3", function()
  local server, client

  setup(function()
    server = s3_server.start()
    client = s3_client.new(server)
    is(200, nil, client:ask("PUT", "/bucket"))
    is(200, nil, client:ask("PUT", "/other"))
  end)

  teardown(function() server:close() end)

  ---Fields with a policy for them, and more; the file comes last.
  local function fields_of(given)
    local who, free = given.client or client, {}
    for _, name in ipairs { "x-amz-algorithm", "x-amz-credential", "x-amz-date" } do
      free[#free + 1] = ('["starts-with", "$%s", ""]'):format(name)
    end
    local expires = os.date("!%Y-%m-%dT%H:%M:%S.000Z", os.time() + (given.lasts or 60))
    local document = ('{"expiration": "%s", "conditions": [%s, %s]}'):format(expires,
      given.conditions or '{"bucket": "bucket"}, ["starts-with", "$key", "in/"]', table.concat(free, ", "))
    local parts = who:policy(given.document or document)
    for _, field in ipairs(given.fields or { { "key", "in/a" } }) do table.insert(parts, 1, field) end
    if given.content ~= false then parts[#parts + 1] = { "file", given.content or "abc", file = given.file or "f.txt" } end
    return parts
  end

  local function send(given) return client:form(given.bucket or "bucket", fields_of(given), given) end

  local function absent(name) is(404, "NoSuchKey", client:ask("GET", name)) end

  it("store a file", function()
    is(204, nil, send {})
    assert.equal("abc", client:ask("GET", "/bucket/in/a").body)
    local sum = { bucket = "bucket", conditions = '{"bucket": "bucket"}, ["eq", "$key", "in/meta"], ["starts-with", "$x-amz-meta-a", ""]' }
    sum.fields = { { "key", "in/meta" }, { "x-amz-meta-a", "b" } }
    is(204, nil, send(sum))
    assert.equal("b", client:ask("HEAD", "/bucket/in/meta").headers["x-amz-meta-a"])
  end)

  -- It was only where the name had a "%".
  it("put the file's name where the key says so", function()
    is(204, nil, send { fields = { { "key", "in/${filename}" } }, file = "one.txt" })
    is(204, nil, send { fields = { { "key", "in/${filename}" } }, file = "C:\\100%1.txt" })
    is(200, nil, client:ask("HEAD", "/bucket/in/one.txt"))
    is(200, nil, client:ask("HEAD", "/bucket/in/100%251.txt"))
  end)

  -- A field `bucket` took the place of the bucket that the file went to.
  it("store in the bucket of the policy only", function()
    is(403, "AccessDenied", send { bucket = "other" })
    is(403, "AccessDenied", send { bucket = "other", fields = { { "bucket", "bucket" }, { "key", "in/a" } } })
    absent "/other/in/a"
  end)

  -- It took the place of what marks the bucket.
  it("store nothing without a key", function()
    local conditions = '{"bucket": "bucket"}, ["starts-with", "$key", ""]'
    is(400, "InvalidArgument", send { conditions = conditions, fields = { { "key", "${filename}" } }, file = "folder/" })
    is(400, "InvalidArgument", send { conditions = conditions, fields = {} })
    is(400, "KeyTooLongError", send { conditions = conditions, fields = { { "key", ("a"):rep(1025) } } })
  end)

  it("store nothing that the policy does not allow", function()
    is(403, "AccessDenied", send { fields = { { "key", "out/b" } } })
    is(403, "AccessDenied", send { fields = { { "key", "in/b" }, { "x-amz-meta-a", "b" } } })
    is(403, "AccessDenied", send { fields = { { "key", "in/b" } }, lasts = -10 })
    is(400, "InvalidPolicyDocument", send { fields = { { "key", "in/b" } }, document = "{}" })
    is(400, "InvalidPolicyDocument", send { fields = { { "key", "in/b" } }, document = ("["):rep(30000) })
    local sized = '{"bucket": "bucket"}, ["eq", "$key", "in/b"], ["content-length-range", 2, 4]'
    is(400, "EntityTooLarge", send { conditions = sized, fields = { { "key", "in/b" } }, content = "abcde" })
    is(400, "EntityTooSmall", send { conditions = sized, fields = { { "key", "in/b" } }, content = "a" })
    local parts = fields_of { fields = { { "key", "in/b" } } }
    for _, part in ipairs(parts) do
      if part[1] == "x-amz-signature" then part[2] = ("0"):rep(64) end
    end
    is(403, "SignatureDoesNotMatch", client:form("bucket", parts))
    is(403, "AccessDenied", client:form("bucket", { { "key", "in/b" }, { "file", "abc", file = "f" } }))
    absent "/bucket/in/b"
    absent "/bucket/out/b"
  end)

  it("make no headers of what is no line, and take no checksum that is not compared", function()
    local conditions = '{"bucket": "bucket"}, ["eq", "$key", "in/h"], ["starts-with", "$x-amz-meta-a", ""], '
      .. '["starts-with", "$content-type", ""], ["starts-with", "$x-amz-meta-b", ""], ["starts-with", "$x-amz-checksum-crc32", ""]'
    local fields = { { "key", "in/h" }, { "x-amz-meta-a", "a\r\nx-evil: 1" }, { "content-type", "a\r\n\r\nb" }, { "x-amz-meta-b", "c" } }
    is(204, nil, send { conditions = conditions, fields = fields })
    local answer = client:ask("GET", "/bucket/in/h")
    assert.same({ "abc", "c" }, { answer.body, answer.headers["x-amz-meta-b"] })
    assert.is_nil(answer.head:find("evil", 1, true))
    fields[#fields + 1] = { "x-amz-checksum-crc32", "AAAAAA==" }
    is(501, "NotImplemented", send { conditions = conditions, fields = fields, content = "abd" })
    assert.equal("abc", client:ask("GET", "/bucket/in/h").body)
  end)

  -- What followed a null was passed over.
  it("store nothing when a condition is none", function()
    for _, condition in ipairs { "null", "1", "[]", "{}", '["eq", "$key"]', '["eq", "key", "in/n"]', '["like", "$key", ""]' } do
      local conditions = ('{"bucket": "bucket"}, ["starts-with", "$x-amz-algorithm", ""], ["starts-with", "$x-amz-credential", ""], '
        .. '["starts-with", "$x-amz-date", ""], ["eq", "$key", "in/n"], %s, ["content-length-range", 100, 200]'):format(condition)
      is(400, "InvalidPolicyDocument", send { conditions = conditions, fields = { { "key", "in/n" } } })
    end
    absent "/bucket/in/n"
  end)

  it("store where the key may write only", function()
    local reads = s3_client.new(server, server:key("--read"))
    local below = s3_client.new(server, server:key "bucket/in/deep/")
    is(403, "AccessDenied", send { client = reads, fields = { { "key", "in/c" } } })
    is(403, "AccessDenied", send { client = below, fields = { { "key", "in/c" } } })
    absent "/bucket/in/c"
    is(204, nil, send { client = below, fields = { { "key", "in/deep/c" } } })
  end)

  it("store nothing of a form that makes no sense", function()
    local function broken(code, change, given)
      given = given or { fields = { { "key", "in/d" } } }
      given.change = change
      local answer = send(given)
      assert.equal(code, answer.code, answer.body)
      absent "/bucket/in/d"
    end
    broken("InvalidArgument", nil, { fields = { { "key", "in/d" } }, content = false })
    broken("InvalidArgument", function(body) return body:sub(1, -20) end)
    broken("MalformedPOSTRequest", function(body) return body:sub(1, 200) end)
    broken("MalformedPOSTRequest", function() return "" end)
    broken("MalformedPOSTRequest", function(body) return (body:gsub("boundary7\r\n", "boundary7xx", 1)) end)
    broken("MalformedPOSTRequest", function(body) return (body:gsub('name="key"', "")) end)
    broken("InvalidArgument", function(body) -- the file before the key
      local first, rest = body:match "^(.-\r\n)(%-%-boundary7\r\n.*)$"
      local file = '--boundary7\r\nContent-Disposition: form-data; name="file"; filename="f"\r\n\r\nabc\r\n'
      return file .. first .. rest
    end)
    is(400, "MalformedPOSTRequest", client:send("POST", "/bucket", { body = "key=in/d" }))
  end)

  it("come in pieces of any size", function()
    local content = "x\r\n--boundary\r\n--boundary8\r\n-"
    local parts = fields_of { content = content, fields = { { "key", "in/e" } } }
    local sent
    client:form("bucket", parts, { change = function(body)
      sent = body
      return body
    end })
    local tail = #sent - #content - 40
    for at = tail, #sent - 1, 3 do
      local raw <close> = http.dial(client.address)
      raw:send(http.text("POST", "/bucket", { headers = {
        Host = client.address, ["Content-Length"] = #sent, ["Content-Type"] = "multipart/form-data; boundary=boundary7",
      } }) .. sent:sub(1, at))
      filo.sleep(0.001)
      raw:send(sent:sub(at + 1))
      assert.equal(204, raw:answer("POST").status)
      assert.equal(content, client:ask("GET", "/bucket/in/e").body)
    end
  end)
end)
