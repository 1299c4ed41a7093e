local nodes = require "spec.support.nodes"
local s3_server = require "spec.support.s3_server"

local function lines(text)
  local list = {}
  for line in text:gmatch "[^\n]+" do list[#list + 1] = line end
  table.sort(list)
  return list
end

describe("rclone", function()
  it("copies files there and back, in parts where they are large, and finds them the same", function()
    local server <close> = s3_server.start()
    local names = s3_server.tree(server.folder)
    server:run("rclone", "mkdir", "filo:bucket")
    server:run("rclone", "copy", "--s3-upload-cutoff", "5M", "--s3-chunk-size", "5M", "tree", "filo:bucket/tree")
    assert.same(names, server:names "bucket/tree")
    assert.same(names, lines(server:run("rclone", "lsf", "-R", "--files-only", "filo:bucket/tree")))
    assert.same(names, lines(server:run("rclone", "lsf", "-R", "--files-only", "--fast-list", "--s3-list-chunk", "2", "filo:bucket/tree")))
    server:run("rclone", "check", "tree", "filo:bucket/tree")
    server:run("rclone", "check", "--download", "tree", "filo:bucket/tree")
    server:run("rclone", "copy", "filo:bucket/tree", "again")
    server:check_same "again"
  end)

  it("has only what was changed sent, copied there, and deleted there", function()
    local server <close> = s3_server.start()
    local names = s3_server.tree(server.folder)
    server:run("rclone", "mkdir", "filo:bucket")
    server:run("rclone", "copy", "tree", "filo:bucket/tree")
    server:run("rclone", "moveto", "filo:bucket/tree/a/e", "filo:bucket/tree/moved")
    assert.same({ "b/c", "b/d" }, server:names "bucket/tree/a")
    server.folder:write("tree/new", "new")
    server.house:shell "TZ=UTC touch -d '2020-02-03 04:05:06' tree/a/b/c"
    server:run("rclone", "sync", "tree", "filo:bucket/tree")
    table.insert(names, "new")
    table.sort(names)
    assert.same(names, server:names "bucket/tree")
    assert.equal("2020-02-03 04:05:06\n", server:run("rclone", "lsf", "--format", "t", "filo:bucket/tree/a/b/c"))
    assert.equal("new", server:run("rclone", "cat", "filo:bucket/tree/new"))
    server:run("rclone", "purge", "filo:bucket")
    assert.equal("", server:run("rclone", "lsd", "filo:"))
    assert.same({}, server:names "bucket")
  end)

  it("reads what the node was given otherwise, and the other way round", function()
    local server <close> = s3_server.start()
    local content = nodes.bytes(3000000)
    server.folder:write("file", content)
    assert.equal(0, server.house:within("a", "put", "file", "-k", "bucket/a/file").status)
    assert.is_true(server:run("rclone", "cat", "filo:bucket/a/file") == content)
    assert.equal("bucket/\n", server:run("rclone", "lsf", "filo:"))
    server:run("rclone", "copyto", "file", "filo:bucket/b")
    assert.equal(0, server.house:within("a", "get", "bucket/b", "--output", server.folder:file "copy").status)
    assert.is_true(server.folder:read "copy" == content)
  end)
end)
