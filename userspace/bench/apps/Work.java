// SPDX-License-Identifier: GPL-2.0
// Two programs. sparse: a table outside of Java's heap, of which one page in 64 is used, and
// many threads that wait. dense: a heap of many small objects: build, sort, hash, free.
import java.security.MessageDigest;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import sun.misc.Unsafe;

public class Work {
	static final long TABLE = 256L << 20, STEP = 64 * 4096;
	static final int THREADS = 100, ENTRIES = 100000;

	static void at(String moment) throws Exception {
		if (new ProcessBuilder("/run.sh", "at", moment, "java").inheritIO().start().waitFor() != 0)
			System.exit(1);
	}

	static void sparse() throws Exception {
		var field = Unsafe.class.getDeclaredField("theUnsafe");
		field.setAccessible(true);
		var unsafe = (Unsafe) field.get(null);
		long table = unsafe.allocateMemory(TABLE), sum = 0;
		var ready = new CountDownLatch(THREADS);
		var end = new CountDownLatch(1);
		var threads = new Thread[THREADS];

		for (long at = 0; at < TABLE; at += STEP)
			unsafe.putLong(table + at, at * 31);
		for (int i = 0; i < THREADS; i++) {
			threads[i] = new Thread(() -> {
				ready.countDown();
				try {
					end.await();
				} catch (InterruptedException e) {
					System.exit(1);
				}
			});
			threads[i].start();
		}
		ready.await();
		for (long at = 0; at < TABLE; at += STEP)
			sum += unsafe.getLong(table + at);
		System.out.println(sum);
		at("load");
		unsafe.freeMemory(table);
		end.countDown();
		for (var thread : threads)
			thread.join();
	}

	static void dense() throws Exception {
		var table = new HashMap<String, int[]>();
		for (int i = 0; i < ENTRIES; i++) {
			var numbers = new int[i % 100];
			Arrays.fill(numbers, i);
			table.put(Integer.toHexString(i * 0x9E3779B1), numbers);
		}
		var order = table.keySet().toArray(String[]::new);
		Arrays.sort(order);
		var hash = MessageDigest.getInstance("SHA-256");
		for (var key : order)
			hash.update((key + Arrays.stream(table.get(key)).sum()).getBytes());
		System.out.println(HexFormat.of().formatHex(hash.digest()));
		at("load");
		table = null;
		order = null;
		System.gc();
	}

	public static void main(String[] args) throws Exception {
		at("start");
		if (args[0].equals("sparse"))
			sparse();
		else
			dense();
		Thread.sleep(15000);
		at("idle");
	}
}
