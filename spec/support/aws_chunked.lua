---Bodies in the framing `aws-chunked`, as clients of S3 make them: spec/core/s3.
---
---    local signer = aws_chunked.signer { secret = "...", day = "20130524", time = "000000", region = "us-east-1", seed = "4f23..." }
---    local body = aws_chunked.body({ "abc", "de" }, signer, { { "x-amz-checksum-crc32", "NSRBwg==" } })
---    local plan = aws_chunked.plan(signer, { length = 5 })

local crypto = require "filo.core.crypto"

local aws_chunked = {}

local NOTHING = crypto.hex(crypto.digest("sha256", ""))

---@param given {secret: string, day: string, time: string, region: string, seed: string}
function aws_chunked.signer(given)
  local key = "AWS4" .. given.secret
  for _, part in ipairs { given.day, given.region, "s3", "aws4_request" } do key = crypto.hmac_sha256(key, part) end
  return {
    key = key, date = ("%sT%sZ"):format(given.day, given.time), scope = ("%s/%s/s3/aws4_request"):format(given.day, given.region),
    seed = given.seed,
  }
end

---What the sieve is told, beside what is `given`.
function aws_chunked.plan(signer, given)
  local plan = { chunked = true }
  for name, value in pairs(signer or {}) do plan[name] = value end
  for name, value in pairs(given or {}) do plan[name] = value end
  return plan
end

local function sign(signer, before, algorithm, ...)
  local lines = { algorithm, signer.date, signer.scope, before, ... }
  return crypto.hex(crypto.hmac_sha256(signer.key, table.concat(lines, "\n")))
end

local function sha256(text) return crypto.hex(crypto.digest("sha256", text)) end

---@param pieces string[]  data of each chunk
---@param signer? table  none: chunks are not signed
---@param trailers? string[][]  names and values; signed where chunks are
---@return string body
---@return string[] signatures
function aws_chunked.body(pieces, signer, trailers)
  local text, signatures, before = {}, {}, signer and signer.seed
  local function add(piece)
    local extension = ""
    if signer then
      before = sign(signer, before, "AWS4-HMAC-SHA256-PAYLOAD", NOTHING, sha256(piece))
      signatures[#signatures + 1] = before
      extension = ";chunk-signature=" .. before
    end
    text[#text + 1] = ("%x%s\r\n%s%s"):format(#piece, extension, piece, piece == "" and "" or "\r\n")
  end
  for _, piece in ipairs(pieces) do add(piece) end
  add ""
  local signed = {}
  for _, trailer in ipairs(trailers or {}) do
    text[#text + 1] = ("%s:%s\r\n"):format(trailer[1], trailer[2])
    signed[#signed + 1] = ("%s:%s\n"):format(trailer[1], trailer[2])
  end
  if signer and trailers then
    before = sign(signer, before, "AWS4-HMAC-SHA256-TRAILER", sha256(table.concat(signed)))
    signatures[#signatures + 1] = before
    text[#text + 1] = ("x-amz-trailer-signature:%s\r\n"):format(before)
  end
  return table.concat(text) .. "\r\n", signatures
end

return aws_chunked
