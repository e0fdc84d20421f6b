/* Where the program is unpacked: a folder private to this user, kept by the digest of what it holds. */
#ifndef OPENEXEC_CACHE_H
#define OPENEXEC_CACHE_H

/* Ends the process with a message and status 2, the status of usage and configuration errors. */
__attribute__((noreturn, format(printf, 1, 2))) void die(const char *format, ...);

/*
 * Opens, and makes where it is missing, the folder that holds unpacked programs, and stores its real path (malloc).
 * Dies where another user could put something else in its place.
 */
int open_cache(char **path);

#endif
