---What anybody may read without a key: that, and nothing else.

local s3_client = require "spec.support.s3_client"
local s3_server = require "spec.support.s3_server"

local is = s3_client.is

describe("what is public by S3", function()
  local server, client, id

  setup(function()
    server = s3_server.start(nil, 'public = { "www/", "bucket/pub/" }')
    client = s3_client.new(server)
    for _, target in ipairs { "/bucket", "/www", "/www/a", "/bucket/pub/a", "/bucket/secret" } do
      is(200, nil, client:ask("PUT", target, { body = target:find "/.*/" and target or nil }))
    end
    id = client:ask("POST", "/www/new?uploads").body:match "<UploadId>(%x+)<"
  end)

  teardown(function() server:close() end)

  it("is read by anybody", function()
    assert.equal("/www/a", client:send("GET", "/www/a").body)
    assert.equal("/www/a", client:send("GET", "/a", { host = "www.localhost" }).body)
    assert.equal("a", client:send("GET", "/www").body:match "<Key>(.-)</Key>")
    assert.equal("pub/a", client:send("GET", "/bucket?list-type=2&prefix=pub/").body:match "<Key>(.-)</Key>")
    is(200, nil, client:send("GET", "/www/a?tagging"))
    is(200, nil, client:send("HEAD", "/www/a"))
    is(400, "InvalidRequest", client:send("GET", "/www/a?response-content-type=text/html"))
  end)

  -- Who had a key to something else could read less than who had none.
  it("is read by who has a key to something else", function()
    local other = s3_client.new(server, server:key "other/")
    assert.equal("/www/a", other:ask("GET", "/www/a").body)
    is(403, "AccessDenied", other:ask("PUT", "/www/new", { body = "x" }))
    is(403, "AccessDenied", other:ask("GET", "/bucket/secret"))
  end)

  it("is nothing else", function()
    is(403, "AccessDenied", client:send("GET", "/"))
    for _, target in ipairs { "/bucket", "/bucket/secret", "/bucket?prefix=", "/bucket?list-type=2&prefix=pub", "/bucket/pub/../secret" } do
      local answer = client:send("GET", target)
      if target:find "%.%." then is(404, "NoSuchKey", answer) else is(403, "AccessDenied", answer) end
    end
  end)

  -- To list uploads failed by 500: there was nobody whose they could be.
  it("is not what is on its way there", function()
    is(403, "AccessDenied", client:send("GET", "/www?uploads"))
    is(403, "AccessDenied", client:send("GET", "/www/new?uploadId=" .. id))
    is(200, nil, client:ask("GET", "/www?uploads"))
  end)

  it("is changed by nobody", function()
    for _, each in ipairs {
      { "PUT", "/www/a" }, { "PUT", "/www/new" }, { "DELETE", "/www/a" }, { "DELETE", "/www" }, { "PUT", "/www" },
      { "POST", "/www/a?uploads" }, { "PUT", "/www/new?partNumber=1&uploadId=" .. id }, { "POST", "/www/new?uploadId=" .. id },
      { "DELETE", "/www/new?uploadId=" .. id }, { "PUT", "/www/a?tagging" }, { "DELETE", "/www/a?tagging" }, { "PUT", "/www/a?acl" },
      { "POST", "/www?delete" }, { "PATCH", "/www/a" },
    } do
      is(403, "AccessDenied", client:send(each[1], each[2], { body = "x" }))
      is(403, "AccessDenied", client:send(each[1], each[2], { body = "x", headers = { ["x-amz-copy-source"] = "/www/a" } }))
    end
    is(403, "AccessDenied", client:form("www", { { "key", "new" }, { "file", "x", file = "f" } }))
    assert.equal("/www/a", client:send("GET", "/www/a").body)
    is(404, "NoSuchKey", client:send("GET", "/www/new"))
  end)
end)
