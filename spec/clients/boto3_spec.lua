local s3_server = require "spec.support.s3_server"

describe("boto3", function()
  it("does with buckets, objects and lists all that it can", function()
    local server <close> = s3_server.start()
    local file <close> = assert(io.open "spec/clients/boto3_asks.py")
    local script = server.folder:write("boto3_asks.py", file:read "a")
    assert.equal("all is well\n", server:run("/usr/bin/python3", script, server.endpoint, "large"))
  end)
end)
