---Signatures of requests: who may do something is who has signed it, all of it.

local filo = require "filo"
local http = require "spec.support.http"
local s3_client = require "spec.support.s3_client"
local s3_server = require "spec.support.s3_server"
local signature = require "filo.command.s3.signature"

local is = s3_client.is

describe("a signature of S3", function()
  it("is the one that AWS documents", function()
    local request = {
      method = "GET", path = "/test.txt", host = "examplebucket.s3.amazonaws.com", headers = {
        host = "examplebucket.s3.amazonaws.com", range = "bytes=0-9", ["x-amz-date"] = "20130524T000000Z",
        ["x-amz-content-sha256"] = s3_client.sha256 "",
        authorization = "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,"
          .. "SignedHeaders=host;range;x-amz-content-sha256;x-amz-date,"
          .. "Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41",
      },
    }
    local claim = assert(signature.in_header(request))
    local key = signature.key("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", claim)
    assert.is_true(signature.holds(request, claim, s3_client.sha256 "", key))
    request.path = "/test.tx"
    assert.is_false(signature.holds(request, claim, s3_client.sha256 "", key))
  end)
end)

describe("signatures of S3", function()
  local server, client

  setup(function()
    server = s3_server.start()
    client = s3_client.new(server)
    is(200, nil, client:ask("PUT", "/bucket"))
    is(200, nil, client:ask("PUT", "/bucket/a", { body = "abc" }))
    is(200, nil, client:ask("PUT", "/other"))
    is(200, nil, client:ask("PUT", "/other/a", { body = "of the other" }))
  end)

  teardown(function() server:close() end)

  local function unchanged()
    assert.equal("abc", client:ask("GET", "/bucket/a").body)
    is(404, "NoSuchKey", client:ask("GET", "/bucket/new"))
  end

  it("need the key's own secret", function()
    is(403, "SignatureDoesNotMatch", s3_client.new(server, nil, ("A"):rep(40)):ask("PUT", "/bucket/new", { body = "x" }))
    local _, secret = server:key()
    is(403, "SignatureDoesNotMatch", s3_client.new(server, nil, secret):ask("PUT", "/bucket/a", { body = "x" }))
    is(403, "InvalidAccessKeyId", s3_client.new(server, ("A"):rep(20)):ask("PUT", "/bucket/new", { body = "x" }))
    is(403, "InvalidAccessKeyId", s3_client.new(server, ".."):ask("GET", "/bucket/a"))
    is(403, "AccessDenied", client:send("GET", "/bucket/a"))
    is(403, "AccessDenied", client:send("PUT", "/bucket/new", { body = "x" }))
    unchanged()
  end)

  it("are of all that a request says", function()
    is(403, "AccessDenied", client:ask("PUT", "/bucket/new", { unsigned = { ["x-amz-copy-source"] = "/bucket/a" } }))
    is(403, "AccessDenied", client:ask("PUT", "/bucket/new", { body = "x", unsigned = { ["x-amz-meta-a"] = "b" } }))
    is(403, "SignatureDoesNotMatch", client:ask("PUT", "/bucket/a", { sent_target = "/bucket/new", body = "x" }))
    is(403, "SignatureDoesNotMatch", client:ask("PUT", "/bucket/a", { sent_target = "/bucket/a?acl", body = "x" }))
    is(400, "XAmzContentSHA256Mismatch", client:ask("PUT", "/bucket/new", { body = "x", sent = "y" }))
    is(400, "XAmzContentSHA256Mismatch", client:ask("PUT", "/bucket/a", { body = "x", sent = "" }))
    is(400, "InvalidRequest", client:send("PUT", "/bucket/new", { headers = {
      authorization = client:headers("PUT", "/bucket/new", {}).authorization, ["x-amz-date"] = os.date "!%Y%m%dT%H%M%SZ",
    } }))
    unchanged()
  end)

  it("are of these minutes", function()
    is(403, "RequestTimeTooSkewed", client:ask("PUT", "/bucket/new", { body = "x", time = os.time() - 1000 }))
    is(403, "RequestTimeTooSkewed", client:ask("PUT", "/bucket/new", { body = "x", time = os.time() + 1000 }))
    unchanged()
  end)

  it("of a URL are of its method, path and host, and end", function()
    local url = client:presigned("GET", "/bucket/a")
    assert.equal("abc", client:send("GET", url).body)
    is(403, "SignatureDoesNotMatch", client:send("PUT", url, { body = "x" }))
    is(403, "SignatureDoesNotMatch", client:send("DELETE", url))
    is(403, "SignatureDoesNotMatch", client:send("GET", (url:gsub("/bucket/a", "/other/a"))))
    is(403, "SignatureDoesNotMatch", client:send("GET", url, { host = "other.localhost" }))
    is(403, "SignatureDoesNotMatch", client:send("GET", url .. "&versionId=1"))
    is(403, "SignatureDoesNotMatch", client:send("GET", (url:gsub("Expires=60", "Expires=600"))))
    is(403, "AccessDenied", client:send("GET", client:presigned("GET", "/bucket/a", { time = os.time() - 100 })))
    is(403, "RequestTimeTooSkewed", client:send("GET", client:presigned("GET", "/bucket/a", { time = os.time() + 1000 })))
    is(400, "AuthorizationQueryParametersError", client:send("GET", client:presigned("GET", "/bucket/a", { expires = 604801 })))
    is(403, "AccessDenied", client:send("PUT", client:presigned("PUT", "/bucket/new"), { body = "x",
      headers = { ["x-amz-acl"] = "private" } }))
    unchanged()
    is(200, nil, client:send("PUT", client:presigned("PUT", "/bucket/by-url"), { body = "x" }))
    assert.equal("x", client:ask("GET", "/bucket/by-url").body)
  end)

  -- The host that a target names was taken for the bucket's, and the one in the header for the signature's: a URL to an object of one
  -- bucket opened the one of the same key in each.
  it("are of the host that is asked for", function()
    local url = client:presigned("GET", "/a", { host = "bucket.localhost" })
    assert.equal("abc", client:send("GET", url, { host = "bucket.localhost" }).body)
    local target = "http://other.localhost" .. url
    is(403, "SignatureDoesNotMatch", client:send("GET", url, { host = "bucket.localhost", sent_target = target }))
    target = "http://bucket.localhost" .. url
    assert.equal("abc", client:send("GET", url, { host = "bucket.localhost", sent_target = target }).body)
  end)

  it("of chunks are of all of them, in their order", function()
    local sum = { { "x-amz-checksum-crc32", "NSRBwg==" } }
    for _, signed in ipairs { true, false } do
      is(200, nil, client:ask_chunked("PUT", "/bucket/chunks", { pieces = { ("x"):rep(9000), "yz" }, signed = signed }))
      assert.equal(("x"):rep(9000) .. "yz", client:ask("GET", "/bucket/chunks").body)
      local answer = client:ask_chunked("PUT", "/bucket/chunks", { pieces = { "abc" }, signed = signed, trailers = sum })
      is(200, nil, answer)
      assert.equal("NSRBwg==", answer.headers["x-amz-checksum-crc32"])
      answer = client:ask_chunked("PUT", "/bucket/new", { pieces = { "abd" }, signed = signed, trailers = sum })
      is(400, "BadDigest", answer)
    end
    local function chunked(code, change, given)
      given = given or { pieces = { ("x"):rep(8192), ("y"):rep(8192) }, signed = true }
      given.change = change
      local answer = client:ask_chunked("PUT", "/bucket/new", given)
      assert.equal(code, answer.code, answer.body)
      assert.is_true(answer.status < 500)
      unchanged()
    end
    chunked("SignatureDoesNotMatch", function(body) return (body:gsub("x", "z", 1)) end)
    chunked("SignatureDoesNotMatch", function(body) return (body:gsub("x", "\0"):gsub("y", "x"):gsub("%z", "y")) end)
    chunked("SignatureDoesNotMatch", function(body) -- the first chunk once more in place of the second
      local first = body:match "^2000;.-\r\nx+\r\n"
      return first .. first .. body:match "(\r\n0;.*)$":sub(3)
    end)
    chunked("SignatureDoesNotMatch", nil, { pieces = { "abc" }, signed = true, trailers = sum, leaves_trailers = true })
    chunked("SignatureDoesNotMatch", function(body) return (body:gsub("NSRBwg", "NSRBwh")) end, {
      pieces = { "abc" }, signed = true, trailers = sum,
    })
  end)

  it("cover bodies that are cut", function()
    local headers = client:headers("PUT", "/bucket/new", { body = "abcdef" })
    headers["Content-Length"] = 6
    headers.Host = client.address
    do
      local raw <close> = http.dial(client.address)
      raw:send(http.text("PUT", "/bucket/new", { headers = headers }) .. "abc")
    end
    filo.sleep(0.05)
    unchanged()
    local answer = client:ask_chunked("PUT", "/bucket/new", { pieces = { "abc" }, signed = true, headers = {
      ["x-amz-decoded-content-length"] = 4 } })
    assert.equal(400, answer.status, answer.body)
    answer = client:ask_chunked("PUT", "/bucket/new", { pieces = { "abc" }, signed = false, headers = {
      ["x-amz-decoded-content-length"] = 2 } })
    assert.equal(400, answer.status, answer.body)
    unchanged()
  end)
end)
