use super::*;

fn check(text: &str, expected: &str) {
    assert_eq!(hex(text.as_bytes()), expected, "{text}");
}

#[test]
fn the_suite_of_rfc_1321_holds() {
    check("", "d41d8cd98f00b204e9800998ecf8427e");
    check("a", "0cc175b9c0f1b6a831c399e269772661");
    check("abc", "900150983cd24fb0d6963f7d28e17f72");
    check("message digest", "f96b697d7cb7938d525a2f31aaf161d0");
    check("abcdefghijklmnopqrstuvwxyz", "c3fcd3d76192e4007dfb496cca67e13b");
    check("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789", "d174ab98d277d9f5a5611c2c9f419d9f");
    check(&"1234567890".repeat(8), "57edf4a22be3c955ac49da2e2107b67a");
}

#[test]
fn pieces_of_any_size_give_the_same_hash() {
    let bytes: Vec<u8> = (0..1000_u32).map(|i| (i * 7) as u8).collect();
    for length in [0, 1, 55, 56, 57, 63, 64, 65, 119, 120, 127, 128, 129, 1000] {
        let (bytes, _) = bytes.split_at(length);
        let whole = digest(bytes);
        for size in [1, 3, 55, 63, 64, 65, 200] {
            let mut md5 = Md5::new();
            bytes.chunks(size).for_each(|piece| md5.update(piece));
            assert_eq!(md5.finish(), whole, "{length} bytes by {size}");
        }
    }
}
