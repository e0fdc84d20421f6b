/* Puts the archive's files into the cache, once, and makes sure at each start that they still are what was packed. */
#ifndef OPENEXEC_UNPACK_H
#define OPENEXEC_UNPACK_H

/* `cache` is the open cache folder, `path` its path. Dies unless the folder PROGRAM_DIGEST in it is whole and ours. */
void provide_program(int cache, const char *path);

#endif
