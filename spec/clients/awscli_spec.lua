local json = require "filo.dkjson"
local s3_server = require "spec.support.s3_server"

---@param server spec.S3Server
local function caller(server)
  local function try(...) return server:try("/usr/bin/aws", "--endpoint-url", server.endpoint, "--output", "json", ...) end
  local function run(...) return server:run("/usr/bin/aws", "--endpoint-url", server.endpoint, "--output", "json", ...) end
  return run, try
end

describe("the AWS command line", function()
  it("makes buckets, copies files there and back, and deletes", function()
    local server <close> = s3_server.start()
    local names, aws = s3_server.tree(server.folder), caller(server)
    assert.equal("make_bucket: bucket\n", aws("s3", "mb", "s3://bucket"))
    assert.matches(" bucket\n$", aws("s3", "ls"))
    aws("s3", "sync", "--only-show-errors", "tree", "s3://bucket/tree") -- what has more than 8 MiB goes in parts
    assert.same(names, server:names "bucket/tree")
    assert.matches("PRE b/\n.* e\n$", aws("s3", "ls", "s3://bucket/tree/a/"))
    assert.equal("", aws("s3", "sync", "--only-show-errors", "tree", "s3://bucket/tree"))
    aws("s3", "sync", "--only-show-errors", "s3://bucket/tree", "again")
    server:check_same "again"
    aws("s3", "mv", "--only-show-errors", "s3://bucket/tree/z/large", "s3://bucket/large") -- in parts, at the server
    assert.equal(20 << 20, json.decode(aws("s3api", "head-object", "--bucket", "bucket", "--key", "large")).ContentLength)
    aws("s3", "rm", "--recursive", "--only-show-errors", "s3://bucket")
    assert.equal("remove_bucket: bucket\n", aws("s3", "rb", "s3://bucket"))
    assert.equal("", aws("s3", "ls"))
  end)

  it("asks for ranges, lists and links", function()
    local server <close> = s3_server.start()
    local names, aws = s3_server.tree(server.folder), caller(server)
    aws("s3", "mb", "s3://bucket")
    aws("s3", "sync", "--only-show-errors", "tree", "s3://bucket")
    aws("s3api", "get-object", "--bucket", "bucket", "--key", "z/large", "--range", "bytes=16-18", "part")
    assert.equal("012", server.folder:read "part")
    local listed = {}
    for i, each in ipairs(json.decode(aws("s3api", "list-objects-v2", "--bucket", "bucket", "--page-size", "2")).Contents) do
      listed[i] = each.Key
    end
    assert.same(names, listed)
    local versions = json.decode(aws("s3api", "list-object-versions", "--bucket", "bucket", "--prefix", "a/b/", "--page-size", "1"))
    versions = versions.Versions
    assert.same({ "a/b/c", "a/b/d", true }, { versions[1].Key, versions[2].Key, versions[2].IsLatest })
    local link = aws("s3", "presign", "s3://bucket/a b+c&d"):match "%S+"
    assert.equal("a b+c&d", server:run("curl", "--silent", "--fail", link))
  end)

  it("is refused what its key does not open", function()
    local server <close> = s3_server.start()
    local aws, try = caller(server)
    aws("s3", "mb", "s3://bucket")
    server.folder:write("file", "x")
    local id, secret = server.id, server.secret
    server.secret = secret:sub(2) .. "A"
    assert.matches("SignatureDoesNotMatch", try("s3api", "list-objects-v2", "--bucket", "bucket").err)
    server.id, server.secret = ("A"):rep(20), secret
    assert.matches("InvalidAccessKeyId", try("s3api", "list-objects-v2", "--bucket", "bucket").err)
    server.id, server.secret = server:key "--read"
    assert.matches("AccessDenied", try("s3", "cp", "file", "s3://bucket/file").err)
    aws("s3api", "list-objects-v2", "--bucket", "bucket")
    server.id, server.secret = id, secret
    aws("s3", "cp", "--only-show-errors", "file", "s3://bucket/file")
    server.id, server.secret = server:key "bucket/mine/"
    assert.matches("AccessDenied", try("s3api", "get-object", "--bucket", "bucket", "--key", "file", "copy").err)
    aws("s3", "cp", "--only-show-errors", "file", "s3://bucket/mine/file")
    assert.matches(" bucket\n$", aws("s3", "ls"))
  end)
end)
