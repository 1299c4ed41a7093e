---Whether a script that computes can be interrupted: ThreadSanitizer holds signals back while nothing calls into the system.
return not require("filo.core.runtime").program():find "/thread/"
