---Other programs that do the same work, on ports of their own on loopback, where they are installed.

local filo = require "filo"

local programs = {}

---@param name string
---@return string?  its path
function programs.find(name)
  local found = assert(filo.run { "sh", "-c", 'PATH="$PATH:/usr/sbin:/sbin" command -v "$1"', "sh", name })
  return found.status == 0 and found.stdout:match "[^\n]+" or nil
end

---The command with more arguments at its end.
---@param command string[]
---@param ... string
---@return string[]
function programs.with(command, ...) return table.move({ ... }, 1, select("#", ...), #command + 1, { table.unpack(command) }) end

---Runs one that must not fail.
---@param command string[]
---@return { stdout: string, stderr: string }
function programs.run(command)
  local ended = assert(filo.run(command))
  if ended.status ~= 0 then error(("%s failed: %s%s"):format(command[1], ended.stderr, ended.stdout), 2) end
  return ended
end

---@return integer  that nobody listens at
function programs.port()
  local listener = assert(filo.listen "127.0.0.1:0")
  local port = tonumber(listener:address():match "%d+$")
  listener:close()
  return port
end

local function write(path, text)
  local file = assert(io.open(path, "w"))
  assert(file:write(text))
  assert(file:close())
end

---Waits until a server listens there.
local function started(process, port)
  for _ = 1, 500 do
    local connection = filo.dial(("127.0.0.1:%d"):format(port))
    if connection then
      connection:close()
      return process
    end
    filo.sleep(0.02)
  end
  error("a server does not listen: " .. (process.stderr:read(4096, 1) or ""))
end

local function serve(port, command) return started(assert(filo.start(command)), port) end

local function own_number(option) return assert(filo.run { "id", option }).stdout:match "%d+" end

---A daemon that takes and gives files of a folder as module `data`.
---@param folder string
---@return filo.Process? process  for a `<close>` variable; nil: rsync is not installed
---@return string url  "rsync://127.0.0.1:1234/data/"
function programs.rsync(folder)
  local path, port = programs.find "rsync", programs.port()
  if not path then return nil, "" end
  write(folder .. "/rsyncd.conf", ("use chroot = no\nuid = %s\ngid = %s\n[data]\npath = %s\nread only = no\n"):format(
    own_number "-u", own_number "-g", folder))
  return serve(port, {
    path, "--daemon", "--no-detach", "--config=" .. folder .. "/rsyncd.conf", "--address=127.0.0.1", "--port=" .. port,
  }), ("rsync://127.0.0.1:%d/data/"):format(port)
end

---An SSH server with keys of its own.
---@param folder string
---@return filo.Process? process  nil: scp or sshd is not installed
---@return string[] command  of scp, to be completed with what goes where; the folder is "127.0.0.1:FOLDER"
function programs.ssh(folder)
  local scp, sshd, keygen = programs.find "scp", programs.find "sshd", programs.find "ssh-keygen"
  if not (scp and sshd and keygen) then return nil, {} end
  local port = programs.port()
  for _, name in ipairs { "host", "user" } do programs.run { keygen, "-q", "-t", "ed25519", "-N", "", "-f", folder .. "/" .. name } end
  write(folder .. "/sshd_config",
    ("AuthorizedKeysFile %s/user.pub\nStrictModes no\nPidFile none\nSubsystem sftp internal-sftp\n"):format(folder))
  os.execute "[ $(id -u) != 0 ] || mkdir -p /run/sshd"
  local process = serve(port, {
    sshd, "-D", "-e", "-f", folder .. "/sshd_config", "-h", folder .. "/host", "-o", "ListenAddress=127.0.0.1", "-p", tostring(port),
  })
  return process, {
    scp, "-q", "-P", tostring(port), "-i", folder .. "/user", "-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=no",
    "-o", "UserKnownHostsFile=/dev/null", "-o", "LogLevel=ERROR",
  }
end

---Starts nginx with a server of such lines, in which FOLDER and PORT stand for these.
local function start_nginx(nginx, folder, port, lines)
  local text = ([[
daemon off; pid none; error_log stderr; user root; worker_processes 1;
events {}
http {
  access_log off; sendfile on;
  client_body_temp_path FOLDER/web; proxy_temp_path FOLDER/web; fastcgi_temp_path FOLDER/web; uwsgi_temp_path FOLDER/web;
  scgi_temp_path FOLDER/web;
  server {
    root FOLDER;
LINES  }
}
]]):gsub("LINES", function() return lines end)
  text = text:gsub("FOLDER", function() return folder end):gsub("PORT", tostring(port))
  write(folder .. "/nginx.conf", (text:gsub("user root; ", own_number "-u" == "0" and "user root; " or "")))
  return serve(port, { nginx, "-e", "stderr", "-p", folder, "-c", folder .. "/nginx.conf" })
end

---A web server with TLS and a key of its own, which gives out a folder.
---@param folder string
---@return filo.Process? process  nil: nginx, curl or openssl is not installed
---@return string[] command  of curl, to be completed with options and url .. name
---@return string url
function programs.nginx(folder)
  local nginx, curl, openssl = programs.find "nginx", programs.find "curl", programs.find "openssl"
  if not (nginx and curl and openssl) then return nil, {}, "" end
  local port = programs.port()
  programs.run {
    openssl, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1",
    "-keyout", folder .. "/web.key", "-out", folder .. "/web.pem",
  }
  return start_nginx(nginx, folder, port, [[
    listen 127.0.0.1:PORT ssl; ssl_certificate FOLDER/web.pem; ssl_certificate_key FOLDER/web.key; ssl_protocols TLSv1.3;
]]), { curl, "-s", "-S", "-f", "--insecure" }, ("https://127.0.0.1:%d/"):format(port)
end

---The same without TLS, which also takes files, below `put/`.
---@param folder string
---@return filo.Process? process  nil: nginx is not installed
---@return string url
function programs.plain_nginx(folder)
  local nginx, port = programs.find "nginx", programs.port()
  if not nginx then return nil, "" end
  programs.run { "mkdir", folder .. "/put" }
  return start_nginx(nginx, folder, port, [[
    listen 127.0.0.1:PORT; client_max_body_size 0;
    location /put/ { dav_methods PUT; }
]]), ("http://127.0.0.1:%d/"):format(port)
end

---@return filo.Process? process  nil: redis-server or redis-benchmark is not installed
---@return string[] command  of redis-benchmark, to be completed
function programs.redis()
  local server, client = programs.find "redis-server", programs.find "redis-benchmark"
  if not (server and client) then return nil, {} end
  local port = programs.port()
  return serve(port, { server, "--bind", "127.0.0.1", "--port", tostring(port), "--save", "", "--appendonly", "no" }),
    { client, "-p", tostring(port) }
end

return programs
