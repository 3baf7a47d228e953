áreas cuyas tablas se copiaron (copy_page_range): para una hebra 0, para un hijo 12
un mmap y un munmap: do_mmap 1, do_vmi_munmap 1
líneas de /proc/PID/maps: 12, tras mmap 13, con un hueco en medio 14, tras munmap 12
