//! Numbers as a safetensors file holds them: little-endian, one after another.

use std::borrow::Cow;
use std::io::Read;

/// Bytes read at a time, so that a file is never in memory beside the numbers made of it.
pub(crate) const CHUNK: usize = 1 << 20;

/// The bytes of numbers: the numbers' own memory on a little-endian machine, so that writing a model takes no second copy of it.
pub(crate) fn of(numbers: &[f32]) -> Cow<'_, [u8]> {
    if cfg!(target_endian = "little") {
        return Cow::Borrowed(bytemuck::cast_slice(numbers));
    }
    Cow::Owned(each(numbers, f32::to_le_bytes))
}

/// The bytes of numbers of another type, each of them made by `bytes`.
pub(crate) fn each<const WIDTH: usize>(numbers: &[f32], bytes: impl Fn(f32) -> [u8; WIDTH]) -> Vec<u8> {
    let mut all = Vec::with_capacity(numbers.len() * WIDTH);
    numbers.iter().for_each(|number| all.extend_from_slice(&bytes(*number)));
    all
}

/// Reads the next numbers of a stream, each of `WIDTH` bytes.
pub(crate) fn read<const WIDTH: usize>(
    stream: &mut impl Read,
    numbers: &mut [f32],
    number: impl Fn([u8; WIDTH]) -> f32,
) -> std::io::Result<()> {
    let mut bytes = vec![0; CHUNK.min(numbers.len() * WIDTH)];
    for part in numbers.chunks_mut(CHUNK / WIDTH) {
        let bytes = &mut bytes[..part.len() * WIDTH];
        stream.read_exact(bytes)?;
        part.iter_mut().zip(bytes.as_chunks().0).for_each(|(to, raw)| *to = number(*raw));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{CHUNK, each, of, read};

    #[test]
    fn numbers_come_back_bit_for_bit() {
        let numbers: Vec<f32> = (0..CHUNK / 4 + 3).map(|i| f32::from_bits(i as u32 * 7919)).collect();
        assert_eq!(*of(&numbers), *each(&numbers, f32::to_le_bytes));
        let mut back = vec![0.0; numbers.len()];
        read(&mut &of(&numbers)[..], &mut back, f32::from_le_bytes).unwrap();
        assert!(back.iter().zip(&numbers).all(|(a, b)| a.to_bits() == b.to_bits()));
        assert!(read(&mut &of(&numbers)[4..], &mut back, f32::from_le_bytes).is_err(), "a stream that ends too early");
    }
}
