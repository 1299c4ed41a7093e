---Copies by S3: what is copied is what was named.

local s3_client = require "spec.support.s3_client"
local s3_server = require "spec.support.s3_server"

local is = s3_client.is

local KEEPS = 'policy = require("filo").policy.with({ keep_versions = 5 }, require("filo").policy.everywhere)'

describe("copies by S3", function()
  local server, client

  setup(function()
    server = s3_server.start(KEEPS)
    client = s3_client.new(server)
    is(200, nil, client:ask("PUT", "/bucket"))
    is(200, nil, client:ask("PUT", "/bucket/a", { body = "abc", headers = { ["x-amz-meta-a"] = "b", ["Content-Type"] = "text/x" } }))
  end)

  teardown(function() server:close() end)

  local function copy(from, to, headers)
    local all = { ["x-amz-copy-source"] = from }
    for name, value in pairs(headers or {}) do all[name] = value end
    return client:ask("PUT", to, { headers = all })
  end

  it("have the content, and what belongs to it", function()
    is(200, nil, copy("/bucket/a", "/bucket/b"))
    local got = client:ask("GET", "/bucket/b")
    assert.same({ "abc", "b", "text/x" }, { got.body, got.headers["x-amz-meta-a"], got.headers["content-type"] })
    is(200, nil, copy("bucket%2Fa", "/bucket/b", { ["x-amz-metadata-directive"] = "REPLACE", ["x-amz-meta-c"] = "d" }))
    got = client:ask("GET", "/bucket/b")
    assert.same({ "abc", "d" }, { got.body, got.headers["x-amz-meta-c"] })
    assert.is_nil(got.headers["x-amz-meta-a"])
  end)

  it("of what is none make nothing", function()
    for _, each in ipairs {
      { "", 400, "InvalidArgument" }, { "/", 400, "InvalidArgument" }, { "/bucket", 400, "InvalidArgument" },
      { "/bucket/", 400, "InvalidArgument" }, { "%zz", 400, "InvalidArgument" }, { "/bucket/a?x=y", 400, "InvalidArgument" },
      { "/bucket/a?versionId=x", 400, "InvalidArgument" }, { "/bucket/a?versionId=1", 404, "NoSuchVersion" },
      { "/bucket/none", 404, "NoSuchKey" }, { "/none/a", 404, "NoSuchBucket" }, { "/../a", 404, "NoSuchBucket" },
      { "/bucket/" .. ("a"):rep(5000), 400, "InvalidArgument" },
    } do
      is(each[2], each[3], copy(each[1], "/bucket/new"))
    end
    is(404, "NoSuchBucket", copy("/bucket/a", "/none/a"))
    is(412, "PreconditionFailed", copy("/bucket/a", "/bucket/new", { ["x-amz-copy-source-if-match"] = '"x"' }))
    is(412, "PreconditionFailed", copy("/bucket/a", "/bucket/b", { ["If-None-Match"] = "*" }))
    is(400, "InvalidArgument", copy("/bucket/a", "/bucket/new", { ["x-amz-metadata-directive"] = "x" }))
    is(400, "InvalidRequest", copy("/bucket/a", "/bucket/a"))
    is(404, "NoSuchKey", client:ask("GET", "/bucket/new"))
  end)

  -- The content stayed the new one, beside what the old one had: its ETag, type and checksums.
  it("of an old version to its own name bring that back", function()
    is(200, nil, client:ask("PUT", "/bucket/o", { body = "old", headers = { ["Content-Type"] = "text/old" } }))
    is(200, nil, client:ask("PUT", "/bucket/o", { body = "newer" }))
    local version = server.house:run("a", "versions", "--json", "bucket/o").out:match '"version":(%d+)'
    for _, headers in ipairs { {}, { ["x-amz-metadata-directive"] = "REPLACE", ["Content-Type"] = "text/old" } } do
      is(200, nil, client:ask("PUT", "/bucket/o", { body = "newer" }))
      is(200, nil, copy("/bucket/o?versionId=" .. version, "/bucket/o", headers))
      local got = client:ask("GET", "/bucket/o")
      assert.same({ "old", "text/old" }, { got.body, got.headers["content-type"] })
    end
  end)

  it("to itself change what belongs to it only", function()
    is(200, nil, client:ask("PUT", "/bucket/s", { body = "abc", headers = { ["x-amz-checksum-crc32"] = "NSRBwg==" } }))
    is(200, nil, copy("/bucket/s", "/bucket/s", { ["x-amz-metadata-directive"] = "REPLACE", ["x-amz-meta-a"] = "b" }))
    is(412, "PreconditionFailed", copy("/bucket/s", "/bucket/s", { ["x-amz-metadata-directive"] = "REPLACE", ["If-None-Match"] = "*" }))
    is(412, "PreconditionFailed", copy("/bucket/s", "/bucket/s", { ["x-amz-metadata-directive"] = "REPLACE", ["If-Match"] = '"x"' }))
    local got = client:ask("GET", "/bucket/s", { headers = { ["x-amz-checksum-mode"] = "ENABLED" } })
    assert.same({ "abc", "b", "NSRBwg==" }, { got.body, got.headers["x-amz-meta-a"], got.headers["x-amz-checksum-crc32"] })
  end)

  it("of bytes are parts of an upload", function()
    local id = client:ask("POST", "/bucket/p?uploads").body:match "<UploadId>(%x+)<"
    local target = ("/bucket/p?partNumber=1&uploadId=%s"):format(id)
    is(416, "InvalidRange", copy("/bucket/a", target, { ["x-amz-copy-source-range"] = "bytes=1-3" }))
    for _, range in ipairs { "bytes=2-1", "bytes=1-", "bytes=-1", "1-2", "bytes=0-99999999999999999999999" } do
      is(400, "InvalidArgument", copy("/bucket/a", target, { ["x-amz-copy-source-range"] = range }))
    end
    is(404, "NoSuchUpload", copy("/bucket/a", "/bucket/q?partNumber=1&uploadId=" .. id))
    local answer = copy("/bucket/a", target, { ["x-amz-copy-source-range"] = "bytes=1-2" })
    is(200, nil, answer)
    local tag = answer.body:match "&quot;(%x+)&quot;"
    is(200, nil, client:ask("POST", "/bucket/p?uploadId=" .. id, {
      body = ("<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>%s</ETag></Part></CompleteMultipartUpload>"):format(tag),
    }))
    assert.equal("bc", client:ask("GET", "/bucket/p").body)
  end)
end)
