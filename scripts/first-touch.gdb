# Follows a first touch through the kernel: docs/gdb.md shows the session and explains it.
# Comes after -ex 'target remote 127.0.0.1:1234', for a guest that has not begun.
set pagination off
set confirm off
set trace-commands on

# In hardware, as the kernel has yet to unpack itself.
thbreak tamalloc_fault
continue

# Who touched what, and how the kernel came here.
print $lx_current().comm
print/x vmf->real_address
print vmf->flags
backtrace -frame-arguments presence 9

# There is no page yet,
set $vmf = vmf
pipe translate-vm $vmf->address | tail -n 5
finish

# and now there is one.
print/x *$vmf->pte
pipe translate-vm $vmf->address | tail -n 19
detach
