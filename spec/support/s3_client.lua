---A client of S3 that signs by version 4, written from its description and not from the server: each part of what it says may be given, so
---that a request can be wrong in one thing only.
---
---    local client = s3_client.new(server)                          -- spec.support.s3_server
---    local answer = client:ask("PUT", "/bucket/a%20key", { body = "abc", headers = { ["x-amz-meta-a"] = "b" } })
---    answer.status, answer.code, answer.body                       -- code: of a failure
---    client:send("GET", client:presigned("GET", "/bucket/key"))    -- not signed otherwise

local assert = require "luassert"
local crypto = require "filo.core.crypto"
local http = require "spec.support.http"

local NOTHING = crypto.hex(crypto.digest("sha256", ""))

local function sha256(text) return crypto.hex(crypto.digest("sha256", text)) end

local s3_client = { sha256 = sha256 }

---@class spec.S3Client
local Client = {}
Client.__index = Client

---@param server {endpoint: string, id: string, secret: string}
function s3_client.new(server, id, secret)
  local address = server.endpoint:match "^http://(.*)$"
  return setmetatable({ address = address, id = id or server.id, secret = secret or server.secret, region = "us-east-1" }, Client)
end

local function stamp(time) return os.date("!%Y%m%dT%H%M%SZ", time or os.time()) end

local function escape(text) return (text:gsub("[^%w._~-]", function(char) return ("%%%02X"):format(char:byte()) end)) end

s3_client.escape = escape

local function unescape(text)
  return (text:gsub("%%(%x%x)", function(digits) return string.char(tonumber(digits, 16)) end))
end

local function canonical_query(query)
  local pairs_of = {}
  for name, value in query:gmatch "([^&=]+)=?([^&]*)" do
    pairs_of[#pairs_of + 1] = escape(unescape(name)) .. "=" .. escape(unescape(value))
  end
  table.sort(pairs_of)
  return table.concat(pairs_of, "&")
end

local function key_of(self, day)
  local key = "AWS4" .. self.secret
  for _, part in ipairs { day, self.region, "s3", "aws4_request" } do key = crypto.hmac_sha256(key, part) end
  return key
end

local function scope_of(self, time) return ("%s/%s/s3/aws4_request"):format(time:sub(1, 8), self.region) end

---Signs a text; for policies.
function Client:sign(text, time) return crypto.hex(crypto.hmac_sha256(key_of(self, time:sub(1, 8)), text)) end

function Client:credential(time) return self.id .. "/" .. scope_of(self, time) end

---@param headers table<string, string>  those that are signed, by names in lower case
local function signature_of(self, method, target, headers, word, time)
  local path, query = target:match "^([^?]*)%??(.*)$"
  local names = {}
  for name in pairs(headers) do names[#names + 1] = name end
  table.sort(names)
  local lines = { method, (unescape(path):gsub("[^/]+", escape)), canonical_query(query) }
  for _, name in ipairs(names) do lines[#lines + 1] = name .. ":" .. tostring(headers[name]):match "^%s*(.-)%s*$" end
  local signed = table.concat(names, ";")
  lines[#lines + 1] = "\n" .. signed .. "\n" .. word
  local text = table.concat({ "AWS4-HMAC-SHA256", time, scope_of(self, time), sha256(table.concat(lines, "\n")) }, "\n")
  return self:sign(text, time), signed
end

---Headers of a request that is signed in its header.
---@param given {headers?: table, body?: string, word?: string, time?: integer, host?: string}
function Client:headers(method, target, given)
  local headers, time = {}, stamp(given.time)
  for name, value in pairs(given.headers or {}) do headers[name:lower()] = value end
  headers.host = given.host or self.address
  headers["x-amz-date"] = time
  headers["x-amz-content-sha256"] = given.word or sha256(given.body or "")
  local digits, signed = signature_of(self, method, target, headers, headers["x-amz-content-sha256"], time)
  headers.authorization = ("AWS4-HMAC-SHA256 Credential=%s, SignedHeaders=%s, Signature=%s"):format(self:credential(time), signed, digits)
  headers.host = nil
  return headers, digits, time
end

---The target of a URL that is good for some seconds.
---@param given? {expires?: integer, time?: integer, host?: string, headers?: table<string, string>}
function Client:presigned(method, target, given)
  given = given or {}
  local time, headers = stamp(given.time), { host = given.host or self.address }
  for name, value in pairs(given.headers or {}) do headers[name:lower()] = value end
  local names = {}
  for name in pairs(headers) do names[#names + 1] = name end
  table.sort(names)
  local all = target .. (target:find("?", 1, true) and "&" or "?") .. ("X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=%s&X-Amz-Date=%s"
    .. "&X-Amz-Expires=%d&X-Amz-SignedHeaders=%s"):format(escape(self:credential(time)), time, given.expires or 60,
    escape(table.concat(names, ";")))
  return all .. "&X-Amz-Signature=" .. signature_of(self, method, all, headers, "UNSIGNED-PAYLOAD", time)
end

---A request as it is given; with `host`, to another one.
function Client:send(method, target, given)
  given = given or {}
  local headers = { Host = given.host or self.address }
  for name, value in pairs(given.headers or {}) do headers[name] = value end
  if not given.body and (method == "PUT" or method == "POST") then headers["Content-Length"] = 0 end
  local answer = http.ask(self.address, method, given.sent_target or target, { headers = headers, body = given.body })
  if answer then answer.code = answer.body:match "<Code>(.-)</Code>" end
  return answer
end

---A signed request. What is in `unsigned` is added to its headers when it was signed; `sent` is sent in place of the body.
---@param given? {headers?: table, body?: string, word?: string, time?: integer, host?: string, unsigned?: table, sent?: string}
function Client:ask(method, target, given)
  given = given or {}
  local headers = self:headers(method, target, given)
  for name, value in pairs(given.unsigned or {}) do headers[name:lower()] = value end
  local body = given.sent or given.body
  return self:send(method, target, { headers = headers, body = body, host = given.host, sent_target = given.sent_target })
end

---The same with a body in the framing aws-chunked.
---@param given {pieces: string[], trailers?: string[][], signed: boolean, headers?: table, change?: fun(body: string): string}
function Client:ask_chunked(method, target, given)
  local headers, length = {}, 0
  for name, value in pairs(given.headers or {}) do headers[name:lower()] = value end
  for _, piece in ipairs(given.pieces) do length = length + #piece end
  headers["content-encoding"] = headers["content-encoding"] or "aws-chunked"
  headers["x-amz-decoded-content-length"] = headers["x-amz-decoded-content-length"] or length
  if given.trailers then headers["x-amz-trailer"] = given.trailers[1][1] end
  local word = given.signed and "STREAMING-AWS4-HMAC-SHA256-PAYLOAD" .. (given.trailers and "-TRAILER" or "")
    or "STREAMING-UNSIGNED-PAYLOAD-TRAILER"
  local all, seed, time = self:headers(method, target, { headers = headers, word = word })
  local body = self:chunks(given, given.signed and seed or nil, time)
  return self:send(method, target, { headers = all, body = given.change and given.change(body) or body })
end

---@param seed? string  the signature of the request; none: the chunks are not signed
function Client:chunks(given, seed, time)
  local text, before = {}, seed
  local function sign(kind, ...)
    before = self:sign(table.concat({ kind, time, scope_of(self, time), before, ... }, "\n"), time)
    return before
  end
  local function add(piece)
    local extension = seed and ";chunk-signature=" .. sign("AWS4-HMAC-SHA256-PAYLOAD", NOTHING, sha256(piece)) or ""
    text[#text + 1] = ("%x%s\r\n"):format(#piece, extension) .. (piece ~= "" and piece .. "\r\n" or "")
  end
  for _, piece in ipairs(given.pieces) do add(piece) end
  add ""
  local lines = ""
  for _, trailer in ipairs(given.trailers or {}) do
    text[#text + 1] = trailer[1] .. ":" .. trailer[2] .. "\r\n"
    lines = lines .. trailer[1] .. ":" .. trailer[2] .. "\n"
  end
  if seed and given.trailers and not given.leaves_trailers then
    text[#text + 1] = ("x-amz-trailer-signature:%s\r\n"):format(sign("AWS4-HMAC-SHA256-TRAILER", sha256(lines)))
  end
  return table.concat(text) .. "\r\n"
end

---Uploads a form: fields in their order, the last one the file.
---@param parts {[1]: string, [2]: string, file?: string}[]
function Client:form(bucket, parts, given)
  local text, mark = {}, given and given.boundary or "boundary7"
  for _, part in ipairs(parts) do
    text[#text + 1] = ('--%s\r\nContent-Disposition: form-data; name="%s"%s\r\n\r\n%s\r\n'):format(mark, part[1],
      part.file and ('; filename="%s"'):format(part.file) or "", part[2])
  end
  text[#text + 1] = ("--%s--\r\n"):format(mark)
  local body = table.concat(text)
  if given and given.change then body = given.change(body) end
  return self:send("POST", "/" .. bucket, { body = body, headers = { ["Content-Type"] = "multipart/form-data; boundary=" .. mark } })
end

---Fields with which a policy, a text of JSON, is signed.
function Client:policy(document, time)
  local encoded, at = crypto.base64(document), stamp(time)
  return {
    { "x-amz-algorithm", "AWS4-HMAC-SHA256" }, { "x-amz-credential", self:credential(at) }, { "x-amz-date", at },
    { "policy", encoded }, { "x-amz-signature", self:sign(encoded, at) },
  }
end

---That an answer has a status and a code of S3; nil: none.
function s3_client.is(status, code, answer) assert.same({ status, code }, { answer.status, answer.code }, answer.body) end

return s3_client
