---Objects of S3: what is stored is what was sent, under the very key that was named.

local crypto = require "filo.core.crypto"
local s3_client = require "spec.support.s3_client"
local s3_server = require "spec.support.s3_server"

local is = s3_client.is

describe("objects of S3", function()
  local server, client

  setup(function()
    server = s3_server.start()
    client = s3_client.new(server)
    is(200, nil, client:ask("PUT", "/bucket"))
  end)

  teardown(function() server:close() end)

  it("have keys of any text, and nothing is made of dots and slashes", function()
    local keys = {
      "a/../b", "%2e%2e/%2E%2e/a", "..", "a//b", "/a", "a/", "%00", "a%0D%0Ab", "%c3%bc", "a%20b+c", "%25", "%3F",
      "uploads/../../x",
    }
    for i, key in ipairs(keys) do
      is(200, nil, client:ask("PUT", "/bucket/" .. key, { body = "content " .. i }))
    end
    for i, key in ipairs(keys) do
      assert.equal("content " .. i, client:ask("GET", "/bucket/" .. key).body, key)
    end
    assert.equal("content 1", client:ask("GET", "/a%2f../b", { host = "bucket.localhost" }).body)
    assert.equal(#keys, select(2, client:ask("GET", "/bucket?list-type=2&encoding-type=url").body:gsub("<Key>", "")))
    for _, key in ipairs(keys) do is(204, nil, client:ask("DELETE", "/bucket/" .. key)) end
    is(404, "NoSuchKey", client:ask("GET", "/bucket/a/../b"))
    for _, method in ipairs { "GET", "PUT", "DELETE" } do is(400, "InvalidURI", client:ask(method, "/bucket/%ff%fe", { body = "x" })) end
  end)

  it("have keys that are not too long", function()
    is(200, nil, client:ask("PUT", "/bucket/" .. ("a"):rep(1024), { body = "x" }))
    assert.equal("x", client:ask("GET", "/bucket/" .. ("a"):rep(1024)).body)
    is(400, "KeyTooLongError", client:ask("PUT", "/bucket/" .. ("a"):rep(1025), { body = "x" }))
    local long = "/bucket/" .. ("a"):rep(5000)
    for _, method in ipairs { "GET", "HEAD", "PUT", "DELETE" } do
      for _, query in ipairs { "", "?tagging", "?acl", "?attributes" } do
        local answer = client:ask(method, long .. query, { body = method == "PUT" and "x" or nil })
        local is_well = answer.status >= 400 and answer.status < 500 or answer.status == 501 or query == "?acl"
        assert.is_true(is_well, method .. query .. answer.body)
      end
    end
    is(400, "KeyTooLongError", client:ask("POST", long .. "?uploads"))
    for _, query in ipairs {
      "?prefix=", "?list-type=2&start-after=", "?delimiter=/&prefix=", "?versions&key-marker=", "?marker=", "?uploads&prefix=",
    } do
      local answer = client:ask("GET", "/bucket" .. query .. ("a"):rep(5000))
      assert.is_true(answer.status < 500, query .. answer.body)
    end
  end)

  it("are in buckets with names of such", function()
    for _, name in ipairs { "a", "Upper", "a_b", "..", ".", "%2e%2e", "%00abc", "a%2fb", "127.0.0.1", ("a"):rep(64), "-ab" } do
      local answer = client:ask("PUT", "/" .. name)
      assert.is_true(answer.status >= 400 and answer.status < 500, name .. answer.body)
      answer = client:ask("PUT", "/" .. name .. "/key", { body = "x" })
      assert.is_true(answer.status >= 400 and answer.status < 500 or answer.status == 200, name .. answer.body)
      if answer.status == 200 then error(name .. " took an object") end
    end
    is(404, "NoSuchBucket", client:ask("PUT", "/nobucket/key", { body = "x" }))
    assert.is_true(client:ask("PUT", "//key", { body = "x" }).status >= 400)
  end)

  it("keep metadata, from which no header is made that was not there", function()
    is(200, nil, client:ask("PUT", "/bucket/meta", { body = "x", headers = {
      ["x-amz-meta-a"] = "b", ["x-amz-meta-utf"] = "\u{fc}\u{1f600}", ["x-amz-meta-raw"] = "\xff\xfe", ["Content-Type"] = "text/x",
      ["Cache-Control"] = "no-store", ["Content-Encoding"] = "aws-chunked,gzip",
    } }))
    local headers = client:ask("HEAD", "/bucket/meta").headers
    assert.same({ "b", "\u{fc}\u{1f600}", "\xff\xfe", "text/x", "no-store", "gzip" }, {
      headers["x-amz-meta-a"], headers["x-amz-meta-utf"], headers["x-amz-meta-raw"], headers["content-type"], headers["cache-control"],
      headers["content-encoding"],
    })
    is(400, "MetadataTooLarge", client:ask("PUT", "/bucket/more", { body = "x", headers = { ["x-amz-meta-a"] = ("b"):rep(2048) } }))
    is(400, "InvalidArgument", client:ask("GET", "/bucket/meta?response-content-type=a%0D%0AX-Evil:%201"))
    is(501, "NotImplemented", client:ask("PUT", "/bucket/more", { body = "x", headers = { ["x-amz-object-lock-mode"] = "COMPLIANCE" } }))
    is(404, "NoSuchKey", client:ask("GET", "/bucket/more"))
  end)

  it("are given in parts", function()
    is(200, nil, client:ask("PUT", "/bucket/r", { body = "0123456789" }))
    local function ask(method, range)
      return client:ask(method, "/bucket/r", { headers = { Range = range } })
    end
    for _, each in ipairs {
      { "bytes=2-4", 206, "234" }, { "bytes=7-", 206, "789" }, { "bytes=-2", 206, "89" },
      { "bytes=5-99999999999999999999999", 206, "56789" },
      { "bytes=5-2", 200, "0123456789" }, { "bytes=a", 200, "0123456789" },
    } do
      local answer = ask("GET", each[1])
      assert.same({ each[2], each[3] }, { answer.status, answer.body }, each[1])
      answer = ask("HEAD", each[1])
      assert.same({ each[2], tostring(#each[3]) }, { answer.status, answer.headers["content-length"] }, each[1])
    end
    is(416, "InvalidRange", ask("GET", "bytes=10-"))
    assert.equal(416, ask("HEAD", "bytes=99999999999999999999-999999999999999999999").status)
    is(400, "InvalidArgument", client:ask("GET", "/bucket/r?partNumber=0"))
    is(400, "InvalidPart", client:ask("GET", "/bucket/r?partNumber=2"))
    assert.equal("0123456789", client:ask("GET", "/bucket/r?partNumber=1").body)
    for _, id in ipairs { "x", "-1", "99999999999999999999999", "%00" } do
      is(400, "InvalidArgument", client:ask("GET", "/bucket/r?versionId=" .. id))
    end
    is(404, "NoSuchVersion", client:ask("GET", "/bucket/r?versionId=1"))
  end)

  it("are what their checksums say, or not stored", function()
    local good = { crc32 = "NSRBwg==", crc32c = "NkvEfQ==", sha1 = "qZk+NkcGgWq6PiVxeFDCbJzQ2J0=" }
    for name, sum in pairs(good) do
      local answer = client:ask("PUT", "/bucket/sum", { body = "abc", headers = { ["x-amz-checksum-" .. name] = sum } })
      if name ~= "crc32c" then is(200, nil, answer) end
      is(400, "BadDigest", client:ask("PUT", "/bucket/nosum", { body = "abd", headers = { ["x-amz-checksum-" .. name] = sum } }))
      is(400, "InvalidRequest", client:ask("PUT", "/bucket/nosum", { body = "abc", headers = { ["x-amz-checksum-" .. name] = "AA==" } }))
    end
    local md5 = crypto.base64(crypto.digest("md5", "abc"))
    is(200, nil, client:ask("PUT", "/bucket/sum", { body = "abc", headers = { ["Content-MD5"] = md5 } }))
    is(400, "BadDigest", client:ask("PUT", "/bucket/nosum", { body = "abd", headers = { ["Content-MD5"] = md5 } }))
    is(400, "InvalidDigest", client:ask("PUT", "/bucket/nosum", { body = "abd", headers = { ["Content-MD5"] = "x" } }))
    is(404, "NoSuchKey", client:ask("GET", "/bucket/nosum"))
  end)

  it("that fail for the server's own reasons tell nothing of it", function()
    local id = ("B"):rep(20)
    server.house:write("a", "http-keys/" .. id, "nothing of sense")
    local answer = s3_client.new(server, id):ask("GET", "/bucket/r")
    assert.is_nil(answer.body:find(server.folder.path, 1, true), answer.body)
    is(500, "InternalError", answer)
  end)
end)
