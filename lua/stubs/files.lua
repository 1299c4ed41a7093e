---@meta
---Files and folders outside of a root, for commands. Each call waits for a worker; a failure of the world returns nil and an error.

---@class filo.core.files
---@field usual_mode integer  of a new folder, as umask leaves it
local files = {}

---@class filo.FileEntry
---@field path string
---@field kind "f"|"d"|"l"|"p"|"s"|"c"|"b"  file, folder, symbolic link, pipe, socket, devices; as find(1) has it
---@field size integer  bytes
---@field mode integer  its permissions, and the bits for set-user-ID, set-group-ID and sticky
---@field modified integer  seconds since 1970
---@field nanoseconds integer  0 to 999999999, after these
---@field owner integer  number of the user
---@field group integer
---@field links integer  how many names it has
---@field device integer  where something is mounted, of what is mounted there
---@field mounted boolean  something is mounted at this folder; false also before Linux 5.8, which does not tell
---@field inode integer
---@field sparse boolean  it takes less room on its disk than it has bytes
---@field target? string  where a symbolic link leads, as it says

---One with a problem has nothing but that, name and path.
---@class filo.FolderEntry: filo.FileEntry
---@field name string
---@field problem? filo.Error  why it cannot be looked at

---What is in a folder, sorted by the bytes of the names. Symbolic links are not followed; what goes meanwhile is left out. Waits for a
---worker, then builds the list in pieces, between which everything else goes on.
---@param path string
---@param follow? boolean where a symbolic link at the path itself leads
---@return filo.FolderEntry[]?
---@return filo.Error? err
function files.list(path, follow) end

---What lies at a path.
---@param path string
---@param follow? boolean where a symbolic link leads, and not the link
---@return filo.FileEntry?
---@return filo.Error? err
function files.look(path, follow) end

---Makes a folder, also through symbolic links, and folders below it, through none. What is there already is kept.
---@param folder string
---@param below string relative; "": none
---@param mode? integer of new ones below it, as umask leaves it
---@return true?
---@return filo.Error? err  "denied": a symbolic link is on the way below it
function files.make_folders(folder, below, mode) end

---Makes a folder in the place of a file or symbolic link, which is removed. It is reached through no symbolic link.
---@param folder string
---@param below string relative
---@param mode integer permission bits, as umask leaves them
---@return true?
---@return filo.Error? err  what is there stays
function files.replace_by_folder(folder, below, mode) end

---Sets permissions and the time of modification of what lies below a folder, which is reached through no symbolic link.
---@param folder string
---@param below string relative; "": the folder, or another thing at that path, also where a symbolic link leads
---@param mode? integer of which 0777 counts; 07777 with an owner
---@param seconds integer since 1970
---@param nanoseconds integer 0 to 999999999
---@param owner? integer
---@param group? integer where there is an owner
---@return true?
---@return filo.Error? err
function files.set_attributes(folder, below, mode, seconds, nanoseconds, owner, group) end

---Makes a symbolic link below a folder, reached through none.
---@param folder string
---@param below string relative
---@param target string where it leads: any text
---@param replace boolean a file or link that is there
---@param seconds integer since 1970
---@param nanoseconds integer 0 to 999999999
---@param owner? integer
---@param group? integer where there is an owner
---@return true?
---@return filo.Error? err
function files.make_link(folder, below, target, replace, seconds, nanoseconds, owner, group) end

---Gives what lies below a folder another name there, a hard link; both are reached through no symbolic link.
---@param folder string
---@param below string relative: the new name
---@param other string relative: the name that it has
---@param replace boolean a file or link that is there
---@return true?
---@return filo.Error? err
function files.link(folder, below, other, replace) end

---A file that is written to by whoever is given it, and gets its name when it is whole: as `Object:save` writes one.
---@param path string
---@return filo.core.Target?
---@return filo.Error? err
function files.target(path) end

---@class filo.core.Target
local target = {}

---To be passed to the node, which writes to it.
---@return filo.core.Descriptor?
---@return filo.Error? err
function target:file() end

---It is flushed, and gets its name. The target is closed then.
---@param mode? integer permission bits; what umask leaves when it is left out
---@return true?
---@return filo.Error? err
function target:finish(mode) end

---Leaves nothing of what was not finished.
function target:close() end

---Whether only this process's user and root can change what lies at a path: it, the folders above it, links on the way. In a folder where
---each may remove only what is his (/tmp), what is one's own counts.
---@param path string
---@return true?
---@return filo.Error? err  "denied": whose it is, and what to do
function files.trust(path) end

---The same of a folder itself, whatever is above it.
---@param path string
---@return true?
---@return filo.Error? err  "denied"
function files.trust_folder(path) end

return files
