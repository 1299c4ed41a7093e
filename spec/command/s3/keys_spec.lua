---Keys that are limited to a prefix, or to reading: what else they may not do by any way around.

local s3_client = require "spec.support.s3_client"
local s3_server = require "spec.support.s3_server"

local is = s3_client.is

local function id_in(answer) return assert(answer.body:match "<UploadId>(%x+)</UploadId>", answer.body) end

describe("a key of S3", function()
  local server, client, below, reads

  setup(function()
    server = s3_server.start()
    client = s3_client.new(server)
    below = s3_client.new(server, server:key "bucket/in/")
    reads = s3_client.new(server, server:key "--read")
    for _, target in ipairs { "/bucket", "/other", "/bucket/in/a", "/bucket/out", "/other/a" } do
      is(200, nil, client:ask("PUT", target, { body = target:find "/.*/" and target or nil }))
    end
  end)

  teardown(function() server:close() end)

  local function denied(who, method, target, given)
    is(403, method ~= "HEAD" and "AccessDenied" or nil, who:ask(method, target, given))
  end

  local function unchanged()
    for _, name in ipairs { "/bucket/in/a", "/bucket/out", "/other/a" } do assert.equal(name, client:ask("GET", name).body) end
    is(404, "NoSuchKey", client:ask("GET", "/bucket/in/new"))
    is(404, "NoSuchKey", client:ask("GET", "/bucket/new"))
  end

  it("of a prefix does nothing beside that", function()
    assert.equal("/bucket/in/a", below:ask("GET", "/bucket/in/a").body)
    for _, target in ipairs {
      "/bucket/out", "/other/a", "/bucket/in", "/bucket/inner", "/bucket/in%2f../out", "/bucket/./in/a", "//bucket/in/a",
    } do
      if target:find "%.%." then
        is(404, "NoSuchKey", below:ask("GET", target)) -- it is a key as all others
      elseif target:find "^//" then
        assert.is_nil(below:ask("GET", target).body:find("/bucket/in/a", 1, true))
      else
        denied(below, "GET", target)
        denied(below, "HEAD", target)
        denied(below, "DELETE", target)
        denied(below, "PUT", target, { body = "x" })
        denied(below, "GET", target .. "?tagging")
        denied(below, "GET", target .. "?acl")
        denied(below, "POST", target .. "?uploads")
      end
    end
    denied(below, "GET", "/a", { host = "other.localhost" })
    denied(below, "PUT", "/new")
    denied(below, "DELETE", "/bucket")
    denied(below, "PUT", "/bucket")
    unchanged()
  end)

  it("of a prefix lists what is below it only", function()
    denied(below, "GET", "/bucket")
    denied(below, "GET", "/bucket?list-type=2&prefix=in")
    denied(below, "GET", "/bucket?versions")
    denied(below, "GET", "/other?prefix=bucket/in/")
    local list = below:ask("GET", "/bucket?list-type=2&prefix=in/").body
    assert.equal("in/a", list:match "<Key>(.-)</Key>")
    assert.is_nil(list:find("out", 1, true))
    local names = below:ask("GET", "/").body
    assert.equal("bucket", names:match "<Name>(.-)</Name>")
    assert.is_nil(names:find("other", 1, true))
  end)

  it("of a prefix copies from there only, to there only", function()
    denied(below, "PUT", "/bucket/in/new", { headers = { ["x-amz-copy-source"] = "/bucket/out" } })
    denied(below, "PUT", "/bucket/in/new", { headers = { ["x-amz-copy-source"] = "other/a" } })
    denied(below, "PUT", "/bucket/new", { headers = { ["x-amz-copy-source"] = "/bucket/in/a" } })
    local id = id_in(below:ask("POST", "/bucket/in/new?uploads"))
    local part = "/bucket/in/new?partNumber=1&uploadId=" .. id
    denied(below, "PUT", part, { headers = { ["x-amz-copy-source"] = "/other/a" } })
    is(204, nil, below:ask("DELETE", "/bucket/in/new?uploadId=" .. id))
    unchanged()
  end)

  it("of a prefix deletes below it only", function()
    local body = "<Delete><Object><Key>out</Key></Object><Object><Key>in/../out</Key></Object><Object><Key>in/gone</Key></Object></Delete>"
    local answer = below:ask("POST", "/bucket?delete", { body = body })
    is(200, "AccessDenied", answer)
    assert.equal(2, select(2, answer.body:gsub("<Deleted>", "")))
    answer = below:ask("POST", "/other?delete", { body = "<Delete><Object><Key>a</Key></Object></Delete>" })
    is(200, "AccessDenied", answer)
    unchanged()
  end)

  it("does not go on with an upload to where it does not write", function()
    local id = id_in(client:ask("POST", "/bucket/new?uploads"))
    for _, each in ipairs {
      { below, "/bucket/in/new", 404, "NoSuchUpload" }, { below, "/bucket/new", 403, "AccessDenied" },
      { reads, "/bucket/new", 403, "AccessDenied" },
    } do
      local who, name, status, code = table.unpack(each)
      is(status, code, who:ask("PUT", name .. "?partNumber=1&uploadId=" .. id, { body = "x" }))
      is(status, code, who:ask("DELETE", name .. "?uploadId=" .. id))
      is(status, code, who:ask("POST", name .. "?uploadId=" .. id, { body = "<CompleteMultipartUpload/>" }))
      if who == below then is(status, code, who:ask("GET", name .. "?uploadId=" .. id)) end
    end
    local mine = id_in(below:ask("POST", "/bucket/in/mine?uploads"))
    denied(below, "GET", "/bucket?uploads")
    local list = below:ask("GET", "/bucket?uploads&prefix=in/").body
    assert.is_truthy(list:find(mine, 1, true))
    assert.is_nil(list:find(id, 1, true))
    is(204, nil, client:ask("DELETE", "/bucket/new?uploadId=" .. id))
    is(204, nil, client:ask("DELETE", "/bucket/in/mine?uploadId=" .. mine))
    unchanged()
  end)

  it("that reads changes nothing", function()
    assert.equal("/other/a", reads:ask("GET", "/other/a").body)
    denied(reads, "PUT", "/bucket/in/a", { body = "x" })
    denied(reads, "PUT", "/bucket/new", { headers = { ["x-amz-copy-source"] = "/bucket/out" } })
    denied(reads, "DELETE", "/bucket/in/a")
    denied(reads, "PUT", "/bucket/in/a?tagging", { body = "<Tagging><TagSet/></Tagging>" })
    denied(reads, "DELETE", "/bucket/in/a?tagging")
    denied(reads, "PUT", "/bucket/in/a?acl", { headers = { ["x-amz-acl"] = "private" } })
    denied(reads, "POST", "/bucket/new?uploads")
    denied(reads, "PUT", "/new")
    denied(reads, "DELETE", "/bucket")
    is(200, "AccessDenied", reads:ask("POST", "/bucket?delete", { body = "<Delete><Object><Key>in/a</Key></Object></Delete>" }))
    unchanged()
  end)

  it("that was removed does nothing", function()
    local id, secret = server:key()
    local who = s3_client.new(server, id, secret)
    is(200, nil, who:ask("GET", "/other/a"))
    assert.equal(0, server.house:run("a", "http-key", "--revoke", id).status)
    is(403, "InvalidAccessKeyId", who:ask("GET", "/other/a"))
  end)
end)
