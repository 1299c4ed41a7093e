local s3_server = require "spec.support.s3_server"

---@param server spec.S3Server
local function caller(server)
  local host = server.endpoint:match "//(.*)$"
  local config = server.folder:write("s3cfg", "")
  return function(...)
    return server:run("s3cmd", "--config", config, "--access_key", server.id, "--secret_key", server.secret, "--host", host,
      "--host-bucket", host, "--no-ssl", "--no-progress", ...)
  end
end

describe("s3cmd", function()
  it("makes buckets, puts, lists, gets and deletes", function()
    local server <close> = s3_server.start()
    local names, s3cmd = s3_server.tree(server.folder), caller(server)
    s3cmd("mb", "s3://bucket")
    assert.matches("s3://bucket\n", s3cmd "ls", 1, true)
    s3cmd("sync", "--multipart-chunk-size-mb", "5", "tree/", "s3://bucket/tree/")
    assert.same(names, server:names "bucket/tree")
    local listed = s3cmd("ls", "s3://bucket/tree/a/")
    assert.matches("DIR  s3://bucket/tree/a/b/\n", listed, 1, true)
    assert.matches("s3://bucket/tree/a/e\n", listed, 1, true)
    assert.equal(#names, select(2, s3cmd("ls", "--recursive", "s3://bucket"):gsub("s3://bucket/tree/", "")))
    assert.matches("File size: 5\n", (s3cmd("info", "s3://bucket/tree/a/b/c"):gsub("size: +", "size: ")), 1, true)

    server.house:shell "mkdir again"
    s3cmd("get", "--recursive", "s3://bucket/tree/", "again/")
    server:check_same "again"
    assert.equal("", s3cmd("sync", "tree/", "s3://bucket/tree/")) -- nothing has changed

    s3cmd("cp", "s3://bucket/tree/a/e", "s3://bucket/copied")
    s3cmd("mv", "s3://bucket/copied", "s3://bucket/moved")
    assert.same({ "", "moved" }, { server:names("bucket/copied")[1] or "", s3cmd("ls", "s3://bucket/mo"):match "s3://bucket/(.-)\n" })
    s3cmd("del", "s3://bucket/moved")
    s3cmd("rb", "--recursive", "--force", "s3://bucket")
    assert.equal("", s3cmd "ls")
  end)
end)
