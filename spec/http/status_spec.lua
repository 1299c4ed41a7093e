local status = require "filo.http.status"

describe("a status", function()
  it("has the phrase of the RFC", function()
    local phrases = {
      [100] = "Continue", [200] = "OK", [203] = "Non-Authoritative Information", [206] = "Partial Content", [304] = "Not Modified",
      [412] = "Precondition Failed", [413] = "Content Too Large", [416] = "Range Not Satisfiable", [421] = "Misdirected Request",
      [422] = "Unprocessable Content", [428] = "Precondition Required", [429] = "Too Many Requests",
      [431] = "Request Header Fields Too Large", [503] = "Service Unavailable", [505] = "HTTP Version Not Supported",
      [507] = "Insufficient Storage",
    }
    for number, phrase in pairs(phrases) do assert.equal(phrase, status.reason(number)) end
  end)

  it("without a name has an empty one", function()
    for _, number in ipairs { 0, 99, 306, 418, 599, 799, -1 } do assert.equal("", status.reason(number)) end
  end)
end)
