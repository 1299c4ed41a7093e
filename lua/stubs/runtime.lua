---@meta
---Tasks, time, signals and the process. `filo` gives scripts what they need of it.

---@class filo.core.runtime
---@field error_type table the metatable of error values: `{ code = "not_found", message = "..." }`
local runtime = {}

---Every code that an error of the core can have, by its name (core/error.h).
---@return table<string, { retryable: boolean, meaning: string }>
function runtime.error_codes() end

---The error for a number that the system gave, as io.open returns it: its code, and its reason after the sentence.
---@param errno integer
---@param sentence string  what failed, at what
---@return filo.Error
function runtime.error_of(errno, sentence) end

---A coroutine that the loop runs. Each wait (a sleep, a read, a join ...) lets the other tasks go on.
---@class filo.Task
local task = {}

---Starts fn(...) as a task, which runs when the current one waits. It is cancelled when the current task ends.
---When it fails and nobody looks, the error is printed with its traceback.
---@param fn fun(...): ...
---@param ... any
---@return filo.Task
function runtime.spawn(fn, ...) end

---As spawn, but it goes on when the current task ends.
---@param fn fun(...): ...
---@param ... any
---@return filo.Task
function runtime.spawn_detached(fn, ...) end

---The task that runs now.
---@return filo.Task
function runtime.current() end

---Waits until another task calls wake with this one, or until the deadline.
---@param seconds? number no deadline when left out; 0 and less: a turn of the loop
---@return boolean woken false when the deadline passed
function runtime.suspend(seconds) end

---Lets a task go on that waits in suspend.
---@param waiting filo.Task
---@return boolean woken false when it does not wait there
function runtime.wake(waiting) end

---A line: tasks wait in it, in the order in which they came, until they are woken. `#line`: how many wait.
---@class filo.Line
---@operator len: integer
local line = {}

---@return filo.Line
function runtime.line() end

---Waits in line, as suspend does. Who is cancelled, or too late, leaves the line; who was woken by `wake` and is then cancelled wakes the
---next.
---@param seconds? number  no deadline when left out; 0 and less: a turn of the loop
---@return boolean woken  false when the deadline passed
function line:wait(seconds) end

---Lets the first in line go on.
---@return boolean  false: there is none
function line:wake() end

---Lets all go on that wait now.
function line:wake_all() end

---Calls a function that cannot wait, nor compute for longer: an error says so.
---@param seconds number above 0, up to 3600
---@param fn fun(...): ...
---@param ... any
---@return any ...
function runtime.pinned(seconds, fn, ...) end

---Waits. 0 gives the other tasks a turn.
---@param seconds number
function runtime.sleep(seconds) end

---Seconds on a clock that never goes back.
---@return number
function runtime.now() end

---Starts fn(...) as a task whose time is virtual, as is that of all tasks that it starts: a clock of their own, which begins at 0,
---stands still while one of them can run, and jumps to the next deadline when all of them wait. So what they do takes no longer than
---computing it, and happens in the same order each time. They wait for each other only: what a disk or a socket takes is no time here.
---When fn has ended, the tasks that it has left behind are cancelled.
---@param fn fun(...): ...
---@param ... any
---@return filo.Task
function runtime.virtual(fn, ...) end

---Where time is virtual: calls fn(...) then, outside of any task. It cannot wait, and has no limit to its computing.
---@param seconds number
---@param fn fun(...)
---@param ... any
function runtime.later(seconds, fn, ...) end

---Microseconds since 1970.
---@return integer
function runtime.time() end

---The number of timers that are set: of tasks that wait for a deadline, and of calls that come later. Only where time is virtual.
---@return integer
function runtime.timers() end

---The number of tasks that have not ended; where time is virtual, of those on its clock.
---@return integer
function runtime.live_tasks() end

---Calls fn as a task of its own when the signal comes; nil restores what happens without: SIGINT and SIGTERM cancel
---the main task.
---@param name "CHLD"|"HUP"|"INT"|"TERM"|"TSTP"|"USR1"|"USR2"|"WINCH"
---@param fn? fun()
---@param interrupts? boolean raise an error, too, in a script that computes for too long to come to fn
---@return fun()? previous
function runtime.on_signal(name, fn, interrupts) end

---Bytes of memory that the process holds (resident).
---@return integer? bytes
---@return filo.Error? err where /proc is not mounted
function runtime.memory() end

---The path of this program.
---@return string
function runtime.program() end

---True when the descriptor is a terminal.
---@param descriptor integer
---@return boolean
function runtime.is_terminal(descriptor) end

---What lies at a path.
---@param path string
---@return "file"|"folder"|"pipe"|"socket"|"device"|nil kind
---@return filo.Error? err
function runtime.kind_of_file(path) end

---Tells the service manager how this process is, as sd_notify(3) does.
---@param state string lines such as "READY=1"
---@return boolean? told false when there is no service manager that asked for it
---@return filo.Error? err
function runtime.notify(state) end

---In this task, and in those that it starts from now on, os.exit calls fn first. When that returns, the process ends.
---@param fn? fun(status: integer) nil: no function
function runtime.on_exit(fn) end

---The innermost line of a script above the caller, which is not Filo's own: "file:line: ", or "" when there is none. In a message handler,
---where the error was raised.
---@return string
function runtime.where() end

---From now on a script that is over its limit where no error can be raised (in a call of a C function that takes long, a finalizer or a
---debug hook) ends the process. Where it is is told on stderr.
---@param name string what speaks, such as "filo sim"; up to 32 bytes
---@param status integer
function runtime.end_when_stuck(name, status) end

---Adds to the log, which goes to standard error by a thread of its own: whoever does not read it is not waited for. Of what waits to be
---written, 512 KiB are kept; a line says how many were dropped then, and where.
---@param lines string with the newline at their end
function runtime.log(lines) end

---What the core's own lines look like in the log from now on: "filo: ..."; or as a service's lines, for people or for programs.
---@param name "named"|"dated"|"json"
function runtime.log_format(name) end

---Ends the task's present or next wait with an error whose code is "cancelled": once. `<close>` variables are closed
---as it unwinds, and may wait.
---@param reason? string the error's message
function task:cancel(reason) end

---Waits for the end of the task. Raises its error when it failed. One task at a time may wait for another.
---@param seconds? number
---@return any ... its results; or nil and an error whose code is "timeout"
function task:join(seconds) end

---What it is about.
---@return "ready"|"running"|"waiting"|"ended"
function task:status() end

---Limits how long it, and the tasks that it starts from now on, may compute without waiting: then an error is raised in it; when that is
---caught, again and again until it waits or ends.
---@param seconds number above 0, up to 3600
---@return filo.Task self
function task:limit(seconds) end

---Says that somebody will look at the result: a failure is not printed.
---@return filo.Task self
function task:observe() end

return runtime
