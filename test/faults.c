/* faults.c - an LD_PRELOAD library that makes the k-th call of a program fail, for test_faults.sh.
 *
 *   FAULT=KIND:K     the K-th call, from 1, fails; FAULT=KIND:K+ all from the K-th on. KIND is
 *                    ENOSPC, EIO (what a disk does), SHORT (reads and writes do half of it) or
 *                    ENOMEM (what nablas itself allocates, and file mappings), or
 *                    KILL (the process ends in the midst of the call: a write is half done)
 *   FAULT_FOLDER=DIR only files below DIR count
 *   FAULT_HIT=FILE   the name of the call that failed first is written there
 *   FAULT_COUNT=FILE the number of calls that could have failed is written there at the end
 *
 * Standard output counts if it is a file below DIR. A seccomp filter traps the system calls, also those that stdio makes within libc; the handler of
 * SIGSYS makes them or pretends. Linux on x86-64. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

enum { MOST_FDS = 1024 };

static enum { NONE, ENOSPC_KIND, EIO_KIND, SHORT_KIND, ENOMEM_KIND, KILL_KIND } kind;
static long count, failing;
static bool ever;
static const char *folder, *hit, *counted;
static bool below[MOST_FDS]; /* this descriptor is of a file below the folder */
static void *program;        /* where it is loaded */

/* The only system calls that the filter lets pass begin between these two labels. */
long fault_call(long number, long a, long b, long c, long d, long e, long f);
extern char fault_call_end[];
__asm__(".globl fault_call, fault_call_end\n"
        "fault_call:\n"
        "mov %rdi, %rax\n mov %rsi, %rdi\n mov %rdx, %rsi\n mov %rcx, %rdx\n"
        "mov %r8, %r10\n mov %r9, %r8\n mov 8(%rsp), %r9\n syscall\n ret\n"
        "fault_call_end:\n");

static void put(const char *path, const char *text)
{
    const long fd = fault_call(SYS_openat, AT_FDCWD, (long)path, O_WRONLY | O_CREAT, 0600, 0, 0);
    fault_call(SYS_write, fd, (long)text, (long)strlen(text), 0, 0, 0);
    fault_call(SYS_close, fd, 0, 0, 0, 0, 0);
}

static void tell(const char *name)
{
    static bool told;
    if (!told && hit) put(hit, name);
    told = true;
}

static _Noreturn void die(void)
{
    fault_call(SYS_kill, getpid(), SIGKILL, 0, 0, 0, 0);
    for (;;) continue;
}

/* One more call of this kind: is it to fail? */
static bool fails(const char *name)
{
    const long n = __atomic_add_fetch(&count, 1, __ATOMIC_SEQ_CST);
    const bool now = ever ? n >= failing : n == failing;
    if (now) tell(name);
    if (now && kind == KILL_KIND && strcmp(name, "write") != 0) die();
    return now;
}

static bool is_path_below(long path)
{
    const size_t length = strlen(folder);
    return strncmp((const char *)path, folder, length) == 0 && ((const char *)path)[length] == '/';
}

static bool is_below(long fd)
{
    return fd >= 0 && fd < MOST_FDS && below[fd];
}

/* --- system calls ----------------------------------------------------------------------------- */

static long open_call(const greg_t *r, bool relevant)
{
    const long fd = fault_call(SYS_openat, r[REG_RDI], r[REG_RSI], r[REG_RDX], r[REG_R10], 0, 0);
    if (fd >= 0 && fd < MOST_FDS) below[fd] = relevant;
    return fd;
}

static long answer(const greg_t *r)
{
    const long number = r[REG_RAX], a = r[REG_RDI], b = r[REG_RSI], c = r[REG_RDX];
    const char *path = (const char *)(b);
    const long error = kind == ENOSPC_KIND ? ENOSPC : (kind == ENOMEM_KIND ? ENOMEM : EIO);
    const bool disk = kind == ENOSPC_KIND || kind == EIO_KIND || kind == KILL_KIND;
    long much = c;
    switch (number) {
    case SYS_openat: {
        const bool mine = path[0] == '/' ? is_path_below(b) : is_below(a);
        const bool counts =
            kind == EIO_KIND || kind == KILL_KIND || (kind == ENOSPC_KIND && (c & O_CREAT));
        if (mine && counts && fails("open")) return -error;
        return open_call(r, mine);
    }
    case SYS_read:
    case SYS_write: {
        const bool writes = number == SYS_write;
        const char *name = writes ? "write" : "read";
        if (is_below(a) && (kind == EIO_KIND || (writes && disk)) && fails(name)) {
            if (kind != KILL_KIND) return -error;
            fault_call(number, a, b, c / 2, 0, 0, 0);
            die();
        }
        if (is_below(a) && kind == SHORT_KIND && c > 1 && fails(name)) much = c / 2;
        break;
    }
    case SYS_fsync:
        if (is_below(a) && disk && fails("fsync")) return -error;
        break;
    case SYS_ftruncate:
        if (is_below(a) && disk && fails("ftruncate")) return -error;
        break;
    case SYS_renameat:
        if (is_below(a) && disk && fails("rename")) return -error;
        break;
    case SYS_rename:
        if (is_path_below(a) && disk && fails("rename")) return -error;
        break;
    case SYS_mkdir:
        if (is_path_below(a) && disk && fails("mkdir")) return -error;
        break;
    case SYS_linkat:
        if (disk && fails("link")) return -error;
        break;
    case SYS_mmap:
        if (is_below(r[REG_R8]) && !(r[REG_R10] & MAP_ANONYMOUS) && kind != SHORT_KIND &&
            kind != ENOSPC_KIND && fails("mmap"))
            return -error;
        break;
    default:
        break;
    }
    return fault_call(number, a, b, much, r[REG_R10], r[REG_R8], r[REG_R9]);
}

static void trapped(int signal, siginfo_t *info, void *context)
{
    greg_t *r = ((ucontext_t *)context)->uc_mcontext.gregs;
    (void)signal;
    r[REG_RAX] = info->si_syscall;
    r[REG_RAX] = answer(r);
}

#define JUMP(test, value, yes, no) BPF_JUMP(BPF_JMP | (test) | BPF_K, value, yes, no)
#define LOAD(field) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
#define TRAP(number) JUMP(BPF_JEQ, number, 0, 1), BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRAP)

static bool install(void)
{
    const uintptr_t lo = (uintptr_t)fault_call, hi = (uintptr_t)fault_call_end;
    struct sock_filter filter[] = {
        LOAD(instruction_pointer),
        JUMP(BPF_JGE, (uint32_t)lo, 0, 4),
        JUMP(BPF_JGT, (uint32_t)hi, 3, 0),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, instruction_pointer) + 4),
        JUMP(BPF_JEQ, (uint32_t)(lo >> 32), 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
        LOAD(nr),
        TRAP(SYS_openat),
        TRAP(SYS_read),
        TRAP(SYS_write),
        TRAP(SYS_fsync),
        TRAP(SYS_ftruncate),
        TRAP(SYS_rename),
        TRAP(SYS_renameat),
        TRAP(SYS_mkdir),
        TRAP(SYS_linkat),
        TRAP(SYS_mmap),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog all = {sizeof filter / sizeof *filter, filter};
    struct sigaction action = {.sa_sigaction = trapped, .sa_flags = SA_SIGINFO | SA_NODEFER};
    return sigaction(SIGSYS, &action, NULL) == 0 && !prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) &&
           !prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &all);
}

/* --- memory ----------------------------------------------------------------------------------- */

/* nb_alloc's only way to memory; called by others, it goes on to libc. */
void *aligned_alloc(size_t alignment, size_t size)
{
    static void *(*next)(size_t, size_t);
    Dl_info caller;
    if (!next) *(void **)&next = dlsym(RTLD_NEXT, "aligned_alloc");
    if (kind == ENOMEM_KIND && dladdr(__builtin_return_address(0), &caller) &&
        caller.dli_fbase == program && fails("malloc")) {
        errno = ENOMEM;
        return NULL;
    }
    return next(alignment, size);
}

__attribute__((constructor)) static void begin(void)
{
    static const char *const kinds[] = {"none", "ENOSPC", "EIO", "SHORT", "ENOMEM", "KILL"};
    const char *fault = getenv("FAULT"), *colon = fault ? strchr(fault, ':') : NULL;
    Dl_info self;
    folder = getenv("FAULT_FOLDER");
    hit = getenv("FAULT_HIT");
    counted = getenv("FAULT_COUNT");
    if (!colon || !folder || !dladdr((void *)getauxval(AT_ENTRY), &self)) return;
    program = self.dli_fbase;
    for (int i = 1; i < 6; i++)
        if (strncmp(fault, kinds[i], strlen(kinds[i])) == 0) kind = (unsigned)i;
    failing = strtol(colon + 1, NULL, 10);
    ever = fault[strlen(fault) - 1] == '+';
    char name[4096] = "";
    below[STDOUT_FILENO] =
        readlink("/proc/self/fd/1", name, sizeof name - 1) > 0 && is_path_below((long)name);
    if (!install()) _Exit(77);
}

__attribute__((destructor)) static void end(void)
{
    char text[32];
    snprintf(text, sizeof text, "%ld\n", count);
    if (kind && counted) put(counted, text);
}
