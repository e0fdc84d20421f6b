/* What the first process of a container has to be besides the program. */
#ifndef OPENEXEC_INIT_H
#define OPENEXEC_INIT_H

/* Where this process is the first one: goes on as its child, and stays behind to do the duties of the first. */
void leave_init(void);

#endif
