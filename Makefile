# nablas - one non-recursive Makefile. `make help` lists what it does.

CONFIG  ?= release
PREFIX  ?= /usr/local
DESTDIR ?=
TEST    ?=
SCRIPTS ?=
TIME    ?= 60
RUNS    ?=
KILLS   ?= 1000
CLANG   ?= clang
PKG_CONFIG ?= pkg-config
export PKG_CONFIG
BENCH   ?=
VERSION := $(shell sed -n 's/.*NB_VERSION "\(.*\)"/\1/p' lib/include/nablas/version.h)

.DEFAULT_GOAL := all
.DELETE_ON_ERROR:
MAKEFLAGS += --no-builtin-rules
ifeq ($(origin MAKE_JOBS)$(filter -j%,$(MAKEFLAGS)),undefined)
MAKEFLAGS += -j$(shell nproc 2>/dev/null || echo 2)
endif

# --- configurations -------------------------------------------------------------------------------

warnings := -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wdouble-promotion \
            -Wstrict-prototypes -Wmissing-prototypes
opt_release := -O2 -g
opt_debug   := -O0 -g3
opt_asan    := -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer \
               $(if $(findstring clang,$(CC)),-fsanitize=fuzzer-no-link -Wno-pass-failed)
opt_tsan    := -O1 -g -fsanitize=thread
opt_cov     := -O0 -g --coverage
optimise    := $(opt_$(CONFIG))
ifeq ($(optimise),)
$(error CONFIG=$(CONFIG): expected release, debug, asan, tsan or cov)
endif

build := build/$(CONFIG)-$(notdir $(firstword $(CC)))$(if $(BLAS_LIBS),-blas)

# Asked of pkg-config at the first recipe that needs it, that is, after `deps` has run in the same
# make call; then remembered.
core_packages := lapacke zlib minizip jansson
draw_packages := cairo libpng libjpeg
packages      := $(core_packages) $(draw_packages)
test_packages := cmocka fontconfig libzip
lazy          = $(eval $1 := $2)$($1)
blas_cflags   = $(call lazy,blas_cflags,$(or $(BLAS_CFLAGS),$(shell $(PKG_CONFIG) --cflags openblas 2>/dev/null)))
blas_libs     = $(call lazy,blas_libs,$(or $(BLAS_LIBS),$(shell $(PKG_CONFIG) --libs openblas 2>/dev/null)))
is_openblas   = $(call lazy,is_openblas,$(shell program=$$(mktemp); \
                  echo 'int openblas_get_parallel(void); int main(void) { return openblas_get_parallel(); }' | \
                  $(CC) $(CFLAGS) $(LDFLAGS) -pthread -x c - -o $$program $(blas_libs) -lm $(LDLIBS) \
                  >/dev/null 2>&1 && echo -DNB_OPENBLAS; rm -f $$program))
# Sources say <minizip/zip.h>, as libzip has a zip.h too.
pkg_cflags    = $(call lazy,pkg_cflags,$(blas_cflags) $(patsubst %/minizip,%,$(shell $(PKG_CONFIG) --cflags $(packages) 2>/dev/null)))
core_libs     = $(call lazy,core_libs,$(blas_libs) $(shell $(PKG_CONFIG) --libs $(core_packages) 2>/dev/null))
draw_libs     = $(call lazy,draw_libs,$(shell $(PKG_CONFIG) --libs $(draw_packages) 2>/dev/null))
pkg_libs      = $(draw_libs) $(core_libs)
test_cflags   = $(call lazy,test_cflags,$(shell $(PKG_CONFIG) --cflags $(test_packages) 2>/dev/null))
test_libs     = $(call lazy,test_libs,$(shell $(PKG_CONFIG) --libs $(test_packages) 2>/dev/null))

# What the compiler compiles for; where there is none yet (make deps), this machine. float and double
# have to be computed as such, which x87's registers do not, nor s390x by gcc's old habit.
ifndef ARCH
ARCH := $(shell macros=$$($(CC) $(CPPFLAGS) $(CFLAGS) -dM -E -x c /dev/null 2>/dev/null) && \
          echo "$$macros" | sed -nE 's/^.define __(x86_64|i386|s390x)__ 1$$/\1/p' || uname -m)
endif
arch_i386  := -msse2 -mfpmath=sse -D_FILE_OFFSET_BITS=64
arch_s390x := $(if $(findstring clang,$(CC)),,-fexcess-precision=fast)
arch_$(ARCH) +=

# -ffp-contract=off: the book's digits need every product rounded (docs/design.md).
compile = $(CC) -std=c11 -D_POSIX_C_SOURCE=200809L -pthread -fPIC -fvisibility=hidden -ffp-contract=off $(optimise) $(arch_$(ARCH)) \
          $(warnings) -Ilib/include -Ilib $(pkg_cflags) $(is_openblas) -MMD -MP $(CPPFLAGS) $(CFLAGS)
link    = $(CC) -pthread $(optimise) $(LDFLAGS)
libs    = $(pkg_libs) -lm $(LDLIBS)

# --- sources --------------------------------------------------------------------------------------

# x*.c is compiled in two precisions; vector.c, tiles.c, transforms.c, the hot loops, also per instruction set.
lib_all   := $(sort $(wildcard lib/*/*.c))
lib_vec   := lib/kernel/vector.c lib/kernel/tiles.c lib/kernel/transforms.c
lib_real  := $(filter lib/kernel/x% lib/tensor/x%,$(lib_all))
lib_plain := $(filter-out $(lib_vec) $(lib_real),$(lib_all))
# libnablas computes; libnablas-draw, on top of it, makes pictures and reads them.
lib_draw  := $(filter lib/plot/% lib/digit/% lib/images/% lib/picture/%,$(lib_plain))

isas := base
ifneq ($(filter x86_64 amd64,$(ARCH)),)
isas += avx2 avx512
endif
isa_base   := -DNB_ISA=base
isa_avx2   := -DNB_ISA=avx2 -mavx2 -mfma
isa_avx512 := -DNB_ISA=avx512 -mfma -mavx512f -mavx512bw -mavx512dq -mavx512vl -mprefer-vector-width=512

native_flags := -march=native -ffp-contract=fast \
                $(if $(filter avx512,$(isas)),-mprefer-vector-width=512)

# The vector loops alone are told that no one reads errno or the FP exception flags; neither changes
# a result. No reassociation, no contraction.
vec_flags := -fno-math-errno -fno-trapping-math
ifeq ($(CONFIG),release)
vec_flags += -O3
else
vec_flags += -Wno-pass-failed # clang: instrumented loops do not vectorise, and need not
endif

object      = $(patsubst %.c,$(build)/%$2.o,$1)
core_objects := $(call object,$(filter-out $(lib_draw),$(lib_plain))) \
                $(foreach p,_s _d,$(call object,$(lib_real),$p)) \
                $(foreach i,$(isas),$(foreach p,_s _d,$(call object,$(lib_vec),$p_$i)))
draw_objects := $(call object,$(lib_draw))

# Convolution's products are fused into their sums, as BLAS's are. Beside release, less optimised: with
# sanitizers clang compiles its unrolled loops for 17 s at -O1, 2 s at -O0.
fuse :=
$(build)/lib/kernel/tiles%.o: fuse := -ffp-contract=fast $(if $(filter release,$(CONFIG)),,$(if $(findstring clang,$(CC)),-O0,-O1))

bin_suffix  = $(if $(filter $(build),build/release-cc),,$(build)/)
# A program has main; the rest of the folder is linked to each.
mpi_sources := examples/ranks.c $(wildcard examples/*_mpi.c)
example_all := $(filter-out $(mpi_sources) examples/export_onnx.c,$(wildcard examples/*.c))
with_main   := $(shell grep -l '^int main' $(example_all))
example_helpers := $(filter-out $(with_main),$(example_all))
examples    := $(with_main:.c=)
example_bin := $(addprefix $(bin_suffix),$(examples))
pages      := $(filter-out %/textbook %/train %/predict %/inspect %/export %/mnist_pictures,$(example_bin))
test_sources := $(sort $(wildcard test/test_*.c))
tests       := $(patsubst %.c,$(build)/%,$(test_sources))
# Failing system calls under a program: Linux on x86-64, without sanitizers, which have calls of their own.
faults := $(if $(filter x86_64 amd64,$(ARCH)),$(if $(filter release debug,$(CONFIG)),$(if $(filter Linux,$(shell uname)),$(build)/test/faults.so)))
test_tools  := $(addprefix $(build)/test/,mnist_tool digit_tool export_tool) $(faults)
# The longest first.
test_scripts := test/test_pages.sh $(filter-out test/test_pages.sh,$(sort $(wildcard test/test_*.sh)))
# SCRIPTS=no leaves out the tests of programs and scripts, which take most of the time.
chosen_tests := $(filter $(if $(TEST),$(foreach t,$(TEST),%/test_$t %/test_$t.sh),%), \
                  $(if $(filter no,$(SCRIPTS)),,$(test_scripts)) $(tests))
fuzzers     := $(patsubst %.c,$(build)/%,$(sort $(wildcard test/fuzz/fuzz_*.c)))
bench_real  := $(wildcard bench/x*.c)
bench_objects := $(call object,$(filter-out $(bench_real),$(sort $(wildcard bench/*.c)))) \
                 $(foreach p,_s _d,$(call object,$(bench_real),$p))
libcore     := $(build)/libnablas.a
libdraw     := $(build)/libnablas-draw.a
archives    := $(libdraw) $(libcore)
shared      := $(archives:.a=.so)
deps_first  := $(filter deps deps-dev deps-mpi,$(MAKECMDGOALS))

# --- targets --------------------------------------------------------------------------------------

.PHONY: all stress lib deps deps-dev deps-mpi mpi test-mpi install-mpi data examples figures docs bench bench-peers test fuzz \
        fuzz-build fuzz-keep test-needs api \
        check-numpy check-checker man install \
        uninstall format format-check lint check-house clean help warnings FORCE

all: lib examples ## the library and the examples

lib: $(archives) $(shared) ## libnablas and libnablas-draw, static and shared

examples: $(example_bin) ## one program per experiment, in examples/

figures: $(pages) ## what the examples draw, into figures/
	@for page in $(pages); do $$page --quiet || exit 1; done; ls figures

docs: examples ## docs/textbook.md and its Chinese twin, from what the programs print and draw
	@scripts/gallery.sh $(bin_suffix)examples

deps: ## install what is missing (apt; elsewhere: print what to install)
	@CC="$(CC)" BLAS_LIBS="$(BLAS_LIBS)" scripts/deps.sh install

# Another MPI beside the default one: make mpi MPICC=mpicc.mpich builds into a folder of its own.
MPICC      ?= mpicc
MPIEXEC    ?= $(MPICC:mpicc%=mpiexec%)
mpi_build  := $(build)/$(notdir $(MPICC))
mpi_bin    := $(if $(filter mpicc,$(MPICC)),$(bin_suffix)examples,$(mpi_build)/examples)/
mpi_lib    := $(mpi_build)/libnablas-mpi.a
mpi_objects := $(patsubst mpi/%.c,$(mpi_build)/%.o,$(wildcard mpi/*.c))
mpi_programs := $(patsubst examples/%.c,$(mpi_bin)%,$(wildcard examples/*_mpi.c))
mpi: $(mpi_lib) $(mpi_lib:.a=.so) $(mpi_programs) $(mpi_build)/mpi_tool ## libnablas-mpi and its programs, where mpicc is (MPICC=mpicc; docs/distributed.md)

deps-mpi: ## Open MPI, for make mpi
	@CC="$(CC)" scripts/deps.sh install mpi

test-mpi: mpi $(test_tools) $(addprefix $(bin_suffix)examples/,train_mnist hyperparameter_optimization) ## the tests of libnablas-mpi, on 1 to 7 ranks
	@CC="$(CC)" MPICC=$(MPICC) MPIEXEC=$(MPIEXEC) EXAMPLES=$(mpi_bin) PLAIN=$(bin_suffix)examples TOOLS=$(build)/test MPI_TOOLS=$(mpi_build) \
	    scripts/run_tests.sh mpi/test/test_mpi.sh

deps-dev: ## the same, and the tools of format, lint and check-numpy
	@CC="$(CC)" BLAS_LIBS="$(BLAS_LIBS)" scripts/deps.sh install dev

data: ## MNIST into data/mnist
	@scripts/get_mnist.sh

ifneq ($(filter test,$(MAKECMDGOALS)),)
ifeq ($(chosen_tests),)
$(error TEST=$(TEST): there is no such test/test_*.c or test/test_*.sh)
endif
endif

chosen_scripts := $(filter %.sh,$(chosen_tests))
test: lib $(filter $(build)/%,$(chosen_tests)) $(if $(chosen_scripts),$(test_tools) $(example_bin)) check-house ## build and run every test (TEST='name ...' for some)
	@CC="$(CC)" CONFIG=$(CONFIG) EXAMPLES=$(bin_suffix)examples TOOLS=$(build)/test \
	    scripts/run_tests.sh $(chosen_tests)

stress: $(test_tools) $(example_bin) ## the long form of two tests: KILLS=1000 runs killed and continued, every call of a program failing
	@CONFIG=$(CONFIG) EXAMPLES=$(bin_suffix)examples TOOLS=$(build)/test KILLS=$(KILLS) sh test/test_runs.sh
	@CONFIG=$(CONFIG) EXAMPLES=$(bin_suffix)examples TOOLS=$(build)/test EVERY=1 sh test/test_faults.sh

fuzz: ## feed every reader mutated files, and what the writers made, TIME=60 seconds or RUNS=n inputs each (clang)
	@$(MAKE) --no-print-directory MAKE_JOBS=ours CC=$(CLANG) CONFIG=asan fuzz-build
	@RUNS=$(RUNS) scripts/fuzz.sh $(TIME) build/asan-$(notdir $(CLANG))

fuzz-keep: ## the fewest inputs that reach what `make fuzz` has reached, into test/fuzz/corpus
	@scripts/fuzz.sh --keep build/asan-$(notdir $(CLANG))

fuzz-build: $(fuzzers)

bench: $(build)/bench/bench ## timings (BENCH=name for one question)
	@$< $(BENCH)

PEERS ?= own_data minimize jobs convnets
bench-peers: $(example_bin) $(build)/bench/bench ## the default job beside NumPy and PyTorch, nb_minimize beside GSL, train beside scikit-learn, where installed
	@for part in $(PEERS); do case $$part in \
	    own_data) bench/peers/own_data.sh $(bin_suffix)examples/train ;; \
	    minimize) CC="$(CC)" bench/peers/minimize.sh $(libcore) $(core_libs) ;; \
	    jobs) bench/peers/run.sh $(bin_suffix)examples/train_mnist ;; \
	    convnets) bench/peers/convnets.sh $(build)/bench/bench ;; \
	    *) echo "PEERS: '$$part' is none of own_data minimize jobs convnets"; exit 2 ;; \
	esac || exit; done

check-numpy: $(example_bin) $(build)/test/arrays_tool $(build)/test/optim_tool ## compare training and files with NumPy's, where it is installed
	@for python in $(PYTHON) python3 /usr/bin/python3; do \
	    $$python -c 'import numpy' 2>/dev/null || continue; \
	    train="$$python scripts/check_numpy.py --program $(bin_suffix)examples/train_mnist"; \
	    $$python scripts/check_numpy_io.py $(build)/test/arrays_tool && \
	    $$python scripts/check_numpy_optim.py $(build)/test/optim_tool && $$train && $$train --relu && \
	    $$python scripts/check_numpy_conv.py --examples $(bin_suffix)examples && \
	    $$python scripts/check_numpy_conv.py --examples $(bin_suffix)examples --net deep --seed 2 --iters 4 && \
	    $$train --deep --iters 300 && $$train --deep --iters 300 --seed 7; exit; \
	 done; echo "check-numpy: no Python with NumPy here ('make deps-dev' installs it): nothing compared"

# SEED: the first; NETS: for each family, of the 22; EVERY: of so many slips one is tried on each, 0: none.
check-checker: $(build)/test/checker_tool ## how far the gradient check can be trusted: false alarms, slips missed (SEED=1 NETS=100)
	@$< $(or $(SEED),1) $(or $(NETS),100) $(or $(EVERY),4)

check-house: $(archives) $(shared) ## includes point down the floors; what the headers declare is exported, nothing else
	@CC="$(CC)" scripts/check_house.sh $(archives) $(shared)

format: ## rewrite the sources as .clang-format says
	@git ls-files '*.c' '*.h' | xargs clang-format -i

format-check: ## fail if format would change anything
	@git ls-files '*.c' '*.h' | xargs clang-format --dry-run -Werror

# An undefined variable of ours expands to nothing. Those in capitals are the caller's to define.
every_target = deps deps-dev data examples figures docs test stress fuzz fuzz-keep bench bench-peers check-numpy check-checker \
               check-house format format-check warnings lint man api install uninstall clean help
undefined    = $(MAKE) --no-print-directory --warn-undefined-variables -n $(every_target) 2>&1 | \
               grep "undefined variable '[a-z]" | grep -v "'wrap_" | sort -u | grep .

# What tests do not compile, without code: what the compiler says, in a tenth of the time.
warnings: $(build)/flags $(build)/examples/digit_page.h $(build)/examples/onnx.pb-c.c ## what the compiler says of a program is an error (CC=clang)
	@{ printf '%s\n' $(with_main) $(example_helpers) examples/export_onnx.c $(filter-out $(bench_real),$(wildcard bench/*.c)); \
	   printf -- '%s\n' $(foreach p,SINGLE DOUBLE,$(bench_real:%='-DNB_REAL_$p %')); } | \
	    xargs -P 2 -L 1 $(filter-out -MMD -MP,$(compile)) -Werror -fsyntax-only -I$(build)/examples -DBENCH_FLAGS='""'

lint: $(build)/examples/digit_page.h ## clang-tidy, and the Makefile's variables
	@! $(undefined)
	@scripts/lint.sh $(pkg_cflags) $(test_cflags) -I$(build)/examples

clean: ## remove what was built
	rm -rf build $(examples) $(patsubst %.c,%,$(wildcard examples/*_mpi.c))

help: ## this list
	@echo "make TARGET [VARIABLE=value]"
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  \1|\2/p' Makefile | awk -F'|' '{printf "%-16s%s\n", $$1, $$2}'
	@echo "variables"
	@echo "  CONFIG=release  release, debug, asan, tsan or cov; each builds in a folder of its own"
	@echo "  CC=cc           the compiler (gcc or clang); CFLAGS, LDFLAGS are added to ours"
	@echo "  TEST= BENCH=    run some tests or one benchmark, by name"
	@echo "  PEERS=          of bench-peers: own_data minimize jobs convnets"
	@echo "  SCRIPTS=no      test the library alone, not programs and scripts"
	@echo "  PKG_CONFIG=pkg-config RUN=   for cross builds: its pkg-config, and what runs a test's program (scripts/elsewhere.sh)"
	@echo "  BLAS_CFLAGS= BLAS_LIBS=      another CBLAS in place of OpenBLAS, as BLAS_LIBS=-lblis"
	@echo "  PREFIX=/usr/local LIBDIR= INCLUDEDIR= DESTDIR=   where install puts things"

# LIBDIR=/usr/lib/x86_64-linux-gnu is where a multiarch distribution has it.
LIBDIR     ?= $(PREFIX)/lib
INCLUDEDIR ?= $(PREFIX)/include
lib_to     := $(DESTDIR)$(LIBDIR)
include_to := $(DESTDIR)$(INCLUDEDIR)
man_to     := $(DESTDIR)$(PREFIX)/share/man
doc_to     := $(DESTDIR)$(PREFIX)/share/doc/nablas
fill_in     = sed -e 's|@PREFIX@|$(PREFIX)|' -e 's|@LIBDIR@|$(LIBDIR)|' -e 's|@INCLUDEDIR@|$(INCLUDEDIR)|' \
                  -e 's|@VERSION@|$(VERSION)|' -e 's|@SOVERSION@|$(soversion)|' -e 's|@BLAS_LIBS@|$(BLAS_LIBS)|' \
                  -e 's|@REQUIRES@|$(if $(BLAS_LIBS),,openblas) $(core_packages)|' -e 's|@DRAW_REQUIRES@|$(draw_packages)|'
# install_lib NAME: NAME.a, NAME.so and its links, NAME.pc
define install_lib
	install -m 644 $(build)/lib$1.a $(lib_to)/
	install -m 755 $(build)/lib$1.so $(lib_to)/lib$1.so.$(VERSION)
	ln -sf lib$1.so.$(VERSION) $(lib_to)/lib$1.so.$(soversion)
	ln -sf lib$1.so.$(soversion) $(lib_to)/lib$1.so
	$(fill_in) scripts/$1.pc.in > $(lib_to)/pkgconfig/$1.pc
endef

man: examples ## man pages into build/man, from the headers and from --help
	@scripts/man.sh build/man $(VERSION) $(example_bin) lib/include/nablas/*.h

api: ## the reference as one page with a search, build/api.html, from the headers
	@mkdir -p build; scripts/api.sh build/api.html $(VERSION) lib/include/nablas/*.h

install: lib man api ## libraries, headers, man pages, the reference, pkg-config and CMake files into PREFIX
	install -d $(lib_to)/pkgconfig $(lib_to)/cmake/nablas $(include_to)/nablas
	$(call install_lib,nablas)
	$(call install_lib,nablas-draw)
	for file in nablas-config nablas-config-version; do \
	    $(fill_in) scripts/$$file.cmake.in > $(lib_to)/cmake/nablas/$$file.cmake; done
	install -m 644 lib/include/nablas/*.h $(include_to)/nablas/
	install -d $(man_to)/man1 $(man_to)/man3
	install -m 644 build/man/man1/*.1 $(man_to)/man1/
	install -m 644 build/man/man3/*.3 $(man_to)/man3/
	install -d $(doc_to) && install -m 644 build/api.html $(doc_to)/

install-mpi: mpi ## libnablas-mpi, its header, man pages and nablas-mpi.pc into PREFIX, beside what install puts there
	install -d $(lib_to)/pkgconfig $(include_to)/nablas
	install -m 644 $(mpi_lib) $(lib_to)/
	install -m 755 $(mpi_lib:.a=.so) $(lib_to)/libnablas-mpi.so.$(VERSION)
	ln -sf libnablas-mpi.so.$(VERSION) $(lib_to)/libnablas-mpi.so.$(soversion)
	ln -sf libnablas-mpi.so.$(soversion) $(lib_to)/libnablas-mpi.so
	$(fill_in) scripts/nablas-mpi.pc.in > $(lib_to)/pkgconfig/nablas-mpi.pc
	install -m 644 mpi/include/nablas/mpi.h $(include_to)/nablas/
	scripts/man.sh $(mpi_build)/man $(VERSION) $(mpi_programs) mpi/include/nablas/mpi.h
	install -d $(man_to)/man1 $(man_to)/man3
	install -m 644 $(mpi_build)/man/man1/*.1 $(man_to)/man1/
	install -m 644 $(mpi_build)/man/man3/*.3 $(man_to)/man3/

uninstall: ## remove what install put there
	rm -rf $(include_to)/nablas $(lib_to)/cmake/nablas $(doc_to)
	rm -f $(man_to)/man1/nablas-*.1 $(man_to)/man3/nablas_*.3
	rm -f $(foreach l,nablas nablas-draw nablas-mpi,$(lib_to)/pkgconfig/$l.pc $(lib_to)/lib$l.a $(lib_to)/lib$l.so*)

# --- rules ----------------------------------------------------------------------------------------

all_flags = $(compile) $(vec_flags) $(foreach i,$(isas),$(isa_$i)) | $(native_flags) | $(link) $(libs)

# The stamp changes when a flag does, and everything compiled depends on it. Its recipe is the first
# that needs the packages, so it is the one that says what is missing.
$(build)/flags: FORCE | $(deps_first)
	@CC="$(CC)" BLAS_LIBS="$(BLAS_LIBS)" scripts/deps.sh check
	@mkdir -p $(@D)
	@echo '$(all_flags)' | cmp -s - $@ || echo '$(all_flags)' > $@

cc_object = @mkdir -p $(@D); echo "  CC   $(@:$(build)/%=%)"; $(compile)

$(build)/lib/%.o: lib/%.c $(build)/flags
	$(cc_object) -c $< -o $@
$(build)/lib/%_s.o: lib/%.c $(build)/flags
	$(cc_object) -DNB_REAL_SINGLE -c $< -o $@
$(build)/lib/%_d.o: lib/%.c $(build)/flags
	$(cc_object) -c $< -o $@
define isa_rule
$$(build)/lib/%_s_$1.o: lib/%.c $$(build)/flags
	$$(cc_object) $$(vec_flags) $$(isa_$1) $$(fuse) -DNB_REAL_SINGLE -c $$< -o $$@
$$(build)/lib/%_d_$1.o: lib/%.c $$(build)/flags
	$$(cc_object) $$(vec_flags) $$(isa_$1) $$(fuse) -c $$< -o $$@
endef
$(foreach i,$(isas),$(eval $(call isa_rule,$i)))

$(libcore): $(core_objects)
$(libdraw): $(draw_objects)
$(archives):
	@echo "  AR   $(@:$(build)/%=%)"; rm -f $@; $(AR) rcs $@ $^

# Before 1.0 a minor version may change the interface, so its number is part of the name.
parts     := $(subst ., ,$(VERSION))
soversion := $(firstword $(parts))$(if $(filter 0,$(firstword $(parts))),.$(word 2,$(parts)))
$(libcore:.a=.so): $(core_objects)
	@echo "  LD   $(@:$(build)/%=%)"; $(link_shared) $(core_objects) $(core_libs) -lm $(LDLIBS) -o $@
$(libdraw:.a=.so): $(draw_objects) $(libcore:.a=.so)
	@echo "  LD   $(@:$(build)/%=%)"; $(link_shared) $^ $(draw_libs) -lm $(LDLIBS) -o $@
# A sanitizer's functions come with the program.
link_shared = $(link) -shared -Wl,-soname,$(@F).$(soversion) $(if $(filter asan tsan,$(CONFIG)),,-Wl,-z,defs)

$(build)/examples/%.o: examples/%.c $(build)/flags
	$(cc_object) -c $< -o $@
# A page as lines of C.
$(build)/examples/digit_page.h: examples/digit_page.html
	@mkdir -p $(@D); sed -e 's/[\\"]/\\&/g' -e 's/.*/"&\\n",/' $< >$@
$(build)/examples/export_page.o: examples/export_page.c $(build)/examples/digit_page.h $(build)/flags
	$(cc_object) -I$(@D) -c $< -o $@
# ONNX: protobuf-c's code of its messages, and export alone that has them.
protobuf_libs = $(call lazy,protobuf_libs,$(shell $(PKG_CONFIG) --libs libprotobuf-c 2>/dev/null))
$(build)/examples/onnx.pb-c.c: examples/onnx.proto $(build)/flags
	@mkdir -p $(@D); protoc-c --proto_path=examples --c_out=$(@D) $<
$(build)/examples/onnx.pb-c.o: $(build)/examples/onnx.pb-c.c
	$(cc_object) -w -c $< -o $@
$(build)/examples/export_onnx.o: examples/export_onnx.c $(build)/examples/onnx.pb-c.c
	$(cc_object) -I$(@D) -c $< -o $@
onnx_objects := $(build)/examples/export_onnx.o $(build)/examples/onnx.pb-c.o
$(bin_suffix)examples/export: $(build)/examples/export.o $(onnx_objects) $(call object,$(example_helpers)) $(archives)
	@mkdir -p $(@D); echo "  LD   $@"; $(link) $^ $(protobuf_libs) $(libs) -o $@
$(bin_suffix)examples/%: $(build)/examples/%.o $(call object,$(example_helpers)) $(archives)
	@mkdir -p $(@D); echo "  LD   $@"; $(link) $^ $(libs) -o $@

# mpicc is a compiler that knows where MPI is; it is told which one to be.
mpi_cc = @mkdir -p $(@D); echo "  MPICC $(@:$(build)/%=%)"; OMPI_CC="$(CC)" MPICH_CC="$(CC)" $(MPICC)
# gcc takes MPICH's MPI_STATUSES_IGNORE for an array that is too short.
mpi_flags = $(wordlist 2,$(words $(compile)),$(compile)) -Impi/include $(if $(findstring clang,$(CC)),,-Wno-stringop-overflow)
$(mpi_build)/%.o: mpi/%.c $(build)/flags
	$(mpi_cc) $(mpi_flags) -c $< -o $@
$(mpi_build)/%.o: mpi/test/%.c $(build)/flags
	$(mpi_cc) $(mpi_flags) -Itest -Impi -c $< -o $@
$(mpi_build)/%.o: examples/%.c $(build)/flags
	$(mpi_cc) $(mpi_flags) -c $< -o $@
$(mpi_lib): $(mpi_objects)
	@echo "  AR   $(@:$(build)/%=%)"; rm -f $@; $(AR) rcs $@ $^
$(mpi_lib:.a=.so): $(mpi_objects) $(libcore:.a=.so)
	$(mpi_cc) $(link_flags) -shared -Wl,-soname,$(@F).$(soversion) $(mpi_objects) $(libcore:.a=.so) -o $@
link_flags = $(wordlist 2,$(words $(link)),$(link))
$(mpi_bin)%_mpi: $(mpi_build)/%_mpi.o $(mpi_build)/ranks.o $(call object,$(example_helpers)) $(mpi_lib) $(archives)
	$(mpi_cc) $(link_flags) $^ $(libs) -o $@
$(mpi_build)/mpi_tool: $(mpi_build)/mpi_tool.o $(mpi_lib) $(libcore)
	$(mpi_cc) $(link_flags) -Wl,--wrap=nb_version $^ $(core_libs) -lm $(LDLIBS) -o $@

test-needs: | $(deps_first)
	@CC="$(CC)" BLAS_LIBS="$(BLAS_LIBS)" scripts/deps.sh check test
$(build)/test/%.o: test/%.c $(build)/flags | test-needs
	$(cc_object) $(test_cflags) -c $< -o $@
# A test may catch the calls of others: wrap_NAME holds what the linker is told for test_NAME.
comma := ,
# With sizes of files of 64 bits some have other names there.
large := $(if $(filter i386,$(ARCH)),64)
wrap_file := $(addprefix -Wl$(comma)--wrap=,openat$(large) readlinkat faccessat fstat$(large) fstatat$(large) fchown fchmod fdopen \
                                            tmpfile$(large) fflush fsync fclose renameat)
wrap_graph_deep := $(addprefix -Wl$(comma)--wrap=,malloc calloc realloc aligned_alloc posix_memalign)
wrap_schedule := $(wrap_graph_deep)
wrap_table := -Wl,--wrap=read
wrap_map := -Wl,--wrap=mmap$(large)
$(build)/test/test_%: $(build)/test/test_%.o $(build)/test/support.o $(archives)
	@echo "  LD   $(@:$(build)/%=%)"; $(link) $(wrap_$*) $^ $(test_libs) $(libs) -o $@

$(build)/test/faults.so: test/faults.c $(build)/flags
	@mkdir -p $(@D); echo "  LD   $(@:$(build)/%=%)"; $(CC) -std=gnu11 -O1 -fPIC -shared -Wall -Wextra $< -ldl -o $@
$(build)/test/%_tool: $(build)/test/%_tool.o $(archives)
	@echo "  LD   $(@:$(build)/%=%)"; $(link) $^ $(test_libs) $(libs) -o $@
$(build)/test/checker_tool: $(addprefix $(build)/test/checker_,tool.o nets.o callbacks.o) $(libcore)
	@echo "  LD   $(@:$(build)/%=%)"; $(link) $^ $(core_libs) -lm $(LDLIBS) -o $@
$(build)/test/fuzz/%: $(build)/test/fuzz/%.o $(archives)
	@echo "  LD   $(@:$(build)/%=%)"; $(link) -fsanitize=fuzzer $^ $(libs) -o $@

$(build)/bench/%.o: bench/%.c $(build)/flags
	$(cc_object) -O3 $(bench_flags) -DBENCH_FLAGS='"$(optimise) -ffp-contract=off"' -c $< -o $@
# The peak is the machine's own, and the yardstick may use all of it: these two are built for it.
bench_flags :=
$(build)/bench/peak.o $(build)/bench/dense.o: bench_flags := $(native_flags)
$(build)/bench/%_s.o: bench/%.c $(build)/flags
	$(cc_object) -O3 -DNB_REAL_SINGLE -c $< -o $@
$(build)/bench/%_d.o: bench/%.c $(build)/flags
	$(cc_object) -O3 -c $< -o $@
$(build)/bench/bench: $(bench_objects) $(archives)
	@echo "  LD   $(@:$(build)/%=%)"; $(link) $^ $(libs) -o $@

.SECONDARY:
-include $(shell find $(build) -name '*.d' 2>/dev/null)
