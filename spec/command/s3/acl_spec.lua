---What clients of S3 let anybody read.

local s3_client = require "spec.support.s3_client"
local s3_server = require "spec.support.s3_server"

local is = s3_client.is

---@return spec.S3Server, table client
local function served(own)
  local server = s3_server.start(nil, own)
  local client = s3_client.new(server)
  is(200, nil, client:ask("PUT", "/bucket"))
  return server, client
end

local OPEN, CLOSED = { ["x-amz-acl"] = "public-read" }, { ["x-amz-acl"] = "private" }

describe("an ACL of S3", function()
  it("lets anybody read one object", function()
    local _ <close>, client = served "acls = true"
    is(200, nil, client:ask("PUT", "/bucket/open", { body = "open", headers = OPEN }))
    is(200, nil, client:ask("PUT", "/bucket/closed", { body = "closed" }))
    assert.equal("open", client:send("GET", "/bucket/open").body)
    is(200, nil, client:send("HEAD", "/bucket/open"))
    is(403, "AccessDenied", client:send("GET", "/bucket/closed"))
    is(403, "AccessDenied", client:send("GET", "/bucket/open?versionId=1"))
    is(403, "AccessDenied", client:send("GET", "/bucket"))
    is(403, "AccessDenied", client:send("PUT", "/bucket/open", { body = "other" }))
    is(403, "AccessDenied", client:send("DELETE", "/bucket/open"))
    assert.matches("AllUsers.*READ", client:ask("GET", "/bucket/open?acl").body)
    assert.not_matches("AllUsers", client:ask("GET", "/bucket/closed?acl").body)
  end)

  it("is changed, and is not that of what takes its place, or of a copy", function()
    local _ <close>, client = served "acls = true"
    is(200, nil, client:ask("PUT", "/bucket/a", { body = "a", headers = OPEN }))
    is(200, nil, client:ask("PUT", "/bucket/copy", { headers = { ["x-amz-copy-source"] = "/bucket/a" } }))
    is(403, "AccessDenied", client:send("GET", "/bucket/copy"))
    local answer = client:ask("PUT", "/bucket/a?acl", { headers = CLOSED })
    is(200, nil, answer)
    assert.equal("", answer.body) -- or clients would read it as XML
    is(403, "AccessDenied", client:send("GET", "/bucket/a"))
    is(200, nil, client:ask("PUT", "/bucket/a?acl", { headers = OPEN }))
    assert.equal("a", client:send("GET", "/bucket/a").body)
    is(200, nil, client:ask("PUT", "/bucket/a", { body = "b" }))
    is(403, "AccessDenied", client:send("GET", "/bucket/a"))
  end)

  it("lets anybody list a bucket, and not read what is in it", function()
    local _ <close>, client = served "acls = true"
    is(200, nil, client:ask("PUT", "/bucket/a", { body = "a" }))
    is(200, nil, client:ask("PUT", "/bucket?acl", { headers = OPEN }))
    assert.matches("<Key>a</Key>", client:send("GET", "/bucket?list-type=2").body)
    is(403, "AccessDenied", client:send("GET", "/bucket/a"))
    is(404, "NoSuchKey", client:send("GET", "/bucket/none"))
    is(403, "AccessDenied", client:send("GET", "/bucket?uploads"))
    is(200, nil, client:ask("PUT", "/bucket?acl", { headers = CLOSED }))
    is(403, "AccessDenied", client:send("GET", "/bucket?list-type=2"))
    is(200, nil, client:ask("PUT", "/other", { headers = OPEN }))
    is(200, nil, client:send("GET", "/other"))
  end)

  it("is refused where node.lua does not allow it, and so are all others", function()
    local _ <close>, client = served()
    is(400, "AccessControlListNotSupported", client:ask("PUT", "/bucket/a", { body = "a", headers = OPEN }))
    is(404, "NoSuchKey", client:ask("GET", "/bucket/a"))
    is(200, nil, client:ask("PUT", "/bucket/a", { body = "a", headers = CLOSED }))
    is(400, "AccessControlListNotSupported", client:ask("PUT", "/bucket/a?acl", { headers = OPEN }))
    local writes = { ["x-amz-acl"] = "public-read-write" }
    is(400, "AccessControlListNotSupported", client:ask("PUT", "/bucket?acl", { headers = writes }))
    local grants = { ["x-amz-grant-read"] = 'uri="http://acs.amazonaws.com/groups/global/AllUsers"' }
    is(400, "AccessControlListNotSupported", client:ask("PUT", "/bucket/a?acl", { headers = grants }))
  end)
end)
