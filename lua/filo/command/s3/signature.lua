---Signatures of requests as S3 has them (AWS Signature Version 4), from the side of who checks them.

local crypto = require "filo.core.crypto"
local target = require "filo.http.target"

local ALGORITHM = "AWS4-HMAC-SHA256"

---What a request says of its signature.
---@class filo.s3.Claim
---@field id string  of the key
---@field day string  "20261201"
---@field region string
---@field scope string  "20261201/us-east-1/s3/aws4_request"
---@field time string  "20261201T120000Z"
---@field signed string[]  names of headers
---@field signature string  64 hex digits
---@field lasts? integer  seconds, of a URL that was signed

local signature = {}

---@return filo.s3.Claim?  nil: a part of it is missing, or bad
local function claim_of(credential, time, signed, digits, lasts)
  local id, day, region = (credential or ""):match "^([^/]+)/(%d%d%d%d%d%d%d%d)/([^/]+)/s3/aws4_request$"
  if not id or not (time or ""):find "^%d%d%d%d%d%d%d%dT%d%d%d%d%d%dZ$" or time:sub(1, 8) ~= day then return nil end
  if not (signed or ""):find "^[%w;-]+$" or not (digits or ""):find "^%x+$" or #digits ~= 64 then return nil end
  local names = {}
  for name in signed:gmatch "[^;]+" do names[#names + 1] = name:lower() end
  return {
    id = id, day = day, region = region, scope = ("%s/%s/s3/aws4_request"):format(day, region), time = time, signed = names,
    signature = digits:lower(), lasts = lasts,
  }
end

---Of the header Authorization.
---@param request filo.http.Request
---@return filo.s3.Claim?
function signature.in_header(request)
  local scheme, rest = (request.headers.authorization or ""):match "^(%S+)%s+(.*)$"
  if scheme ~= ALGORITHM then return nil end
  local parts = {}
  for name, value in rest:gmatch "(%a+)=([^,%s]+)" do parts[name] = value end
  return claim_of(parts.Credential, request.headers["x-amz-date"], parts.SignedHeaders, parts.Signature)
end

---A week: the longest that a URL may be good for.
local LASTS_MOST = 7 * 86400

---Of the query of a URL that was signed.
---@param query table<string, string>
---@return filo.s3.Claim?
function signature.in_query(query)
  local lasts = math.tointeger(tonumber((query["X-Amz-Expires"] or ""):match "^%d+$"))
  if query["X-Amz-Algorithm"] ~= ALGORITHM or not lasts or lasts < 1 or lasts > LASTS_MOST then return nil end
  return claim_of(query["X-Amz-Credential"], query["X-Amz-Date"], query["X-Amz-SignedHeaders"], query["X-Amz-Signature"], lasts)
end

---Of the fields of a form, with which a policy is signed.
---@param fields table<string, string>
---@return filo.s3.Claim?
function signature.in_fields(fields)
  if fields["x-amz-algorithm"] ~= ALGORITHM then return nil end
  return claim_of(fields["x-amz-credential"], fields["x-amz-date"], "policy", fields["x-amz-signature"])
end

---Names and values, escaped and in order, but for the signature itself.
local function canonical_query(raw_query)
  local list = {}
  for _, pair in ipairs(target.query(raw_query)) do
    if pair[1] ~= "X-Amz-Signature" then list[#list + 1] = { target.encode(pair[1]), target.encode(pair[2]) } end
  end
  table.sort(list, function(a, b)
    if a[1] ~= b[1] then return a[1] < b[1] end
    return a[2] < b[2]
  end)
  for i, pair in ipairs(list) do list[i] = pair[1] .. "=" .. pair[2] end
  return table.concat(list, "&")
end

local function trim(value) return (value:gsub("^ +", ""):gsub(" +$", ""):gsub("  +", " ")) end

---What a header says. The host is that which the request is for, which its target may name, too.
local function value_of(request, name) return name == "host" and request.host or request.headers[name] or "" end

---What both sides make the digest of.
local function canonical(request, claim, payload)
  local lines = { request.method, target.encode(request.path, "/"), canonical_query(request.raw_query) }
  for _, name in ipairs(claim.signed) do lines[#lines + 1] = name .. ":" .. trim(value_of(request, name)) end
  lines[#lines + 1] = ""
  lines[#lines + 1] = table.concat(claim.signed, ";")
  lines[#lines + 1] = payload
  return table.concat(lines, "\n")
end

---@param secret string
---@param claim {day: string, region: string}
---@return string  32 bytes
function signature.key(secret, claim)
  local key = "AWS4" .. secret
  for _, part in ipairs { claim.day, claim.region, "s3", "aws4_request" } do key = crypto.hmac_sha256(key, part) end
  return key
end

---@param text string  what was signed
---@param key string  as `signature.key` gives it
---@param digits string  of the signature, by anybody's word
---@return boolean
function signature.fits(text, key, digits)
  return crypto.equal(crypto.digest("sha256", crypto.hex(crypto.hmac_sha256(key, text))), crypto.digest("sha256", digits))
end

---Whether it is the request that was signed with this key.
---@param request filo.http.Request
---@param claim filo.s3.Claim
---@param payload string  what the signature says of the body: its SHA-256 in hex, or a word
---@param key string  as `signature.key` gives it
---@return boolean
function signature.holds(request, claim, payload, key)
  local digest = crypto.hex(crypto.digest("sha256", canonical(request, claim, payload)))
  return signature.fits(table.concat({ ALGORITHM, claim.time, claim.scope, digest }, "\n"), key, claim.signature)
end

---Whether a header that says something to the server was left out of what was signed: then anybody on the way could have put it there.
---@param request filo.http.Request
---@param claim filo.s3.Claim
---@return string?  the name of one
function signature.unsigned_header(request, claim)
  local signed = {}
  for _, name in ipairs(claim.signed) do signed[name] = true end
  if not signed.host then return "host" end
  for name in pairs(request.headers) do
    if name:find "^x%-amz%-" and not signed[name] then return name end
  end
  return nil
end

return signature
